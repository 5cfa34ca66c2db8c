// What the API tells of the whole process, as api/native/openapi.yaml describes it.

import { useQuery } from "@tanstack/react-query";
import { type ApiError, get } from "./client";

/** A number for each step that has ended, the oldest first; absent where nothing was counted. */
export type History = readonly number[];

export const DROP_REASONS = [
  "malformed",
  "unsupported",
  "too_large",
  "overloaded",
  "unavailable",
  "failed",
  "canceled",
  "invalid_span",
  "too_many_attributes",
  "attribute_key_too_long",
  "too_many_events",
  "too_many_links",
  "invalid_link",
  "value_too_long",
  "name_too_long",
  "invalid_utf8",
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

export interface Receiver {
  readonly protocol: string;
  readonly transport: string;
  readonly requestCount: number;
  readonly refusedRequestCount: number;
  readonly spanCount: number;
  readonly bytes: number;
  readonly decompressedBytes: number;
  readonly spanHistory?: History;
  readonly byteHistory?: History;
  readonly requestHistory?: History;
}

export interface Drop {
  readonly reason: DropReason;
  readonly count: number;
  readonly history?: History;
}

/** Where a protocol beside OTLP is taken. */
export interface Listener {
  readonly title: string;
  /** The key of the setting that has its address. */
  readonly setting: string;
  /** missing: its usual port is taken by somebody else. */
  readonly state: "open" | "off" | "missing";
  readonly address?: string;
  readonly reason?: string;
}

export const UNSENT_REASONS = ["queue_full", "queue_failed", "refused", "too_large", "damaged"] as const;

/** Where spans are sent on to, and how that goes since the start. */
export interface Destination {
  readonly name: string;
  readonly address: string;
  readonly sentSpanCount: number;
  readonly requestCount: number;
  readonly failedRequestCount: number;
  readonly queuedBytes: number;
  readonly queueLimitBytes: number;
  readonly drops: readonly { readonly reason: (typeof UNSENT_REASONS)[number]; readonly count: number }[];
  readonly failure?: string;
  readonly failingSinceUnixNano?: string;
}

export interface Disk {
  readonly directory: string;
  readonly sizeBytes: number;
  readonly freeBytes: number;
  /** The free space at which spans are refused. */
  readonly reservedBytes: number;
  /** The free space below which the oldest spans are deleted early; absent if they never are. */
  readonly watermarkBytes?: number;
}

export interface Server {
  readonly historyStepNanos: string;
  readonly historyEndTimeUnixNano: string;
  readonly tenantCount: number;
  readonly receivers: readonly Receiver[];
  readonly listeners: readonly Listener[];
  readonly destinations: readonly Destination[];
  readonly drops: readonly Drop[];
  readonly segmentSpanCount: number;
  readonly segmentBytes: number;
  readonly disk?: Disk;
  readonly memory: {
    readonly residentBytes?: number;
    readonly limitBytes: number;
    readonly headBytes: number;
    readonly cacheBytes: number;
    readonly residentKiBHistory?: History;
  };
}

export interface Setting {
  readonly group: string;
  readonly key: string;
  readonly value: string;
  readonly default: string;
  readonly source: "default" | "file" | "environment" | "option" | "derived";
}

export const useServer = (pollMs: number) =>
  useQuery<Server, ApiError>({
    queryKey: ["server"],
    queryFn: ({ signal }) => get<Server>("/server", {}, signal),
    refetchInterval: pollMs,
    staleTime: 1000,
  });

/** Settings are read once, at the server's start. */
export const useSettings = () =>
  useQuery<{ file?: string; settings: Setting[] }, ApiError>({
    queryKey: ["settings"],
    queryFn: ({ signal }) => get("/settings", {}, signal),
    staleTime: 60_000,
  });
