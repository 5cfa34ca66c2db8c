// Figures of the status page: rates of the last minute, sums of the last hour, and when the disk will be full.

import type { Drop, History, Receiver, Server } from "../api/server";
import type { Status } from "../api/types";

const DAY = 86_400;

export const sum = (history: History | undefined): number => (history ?? []).reduce((a, b) => a + b, 0);

/** Seconds of a step of the histories. */
export const stepOf = (server: Server): number => Number(server.historyStepNanos) / 1e9;

/** How many steps have ended: the memory of the process is noted in each. */
export const stepsOf = (server: Server): number => server.memory.residentKiBHistory?.length ?? 0;

/** What came a second over the last minute, or since the start; undefined before the first step has ended. */
export function rateOf(server: Server, history: History | undefined): number | undefined {
  const steps = Math.min(stepsOf(server), Math.round(60 / stepOf(server)));
  if (steps === 0) return undefined;
  return sum(history?.slice(-steps)) / (steps * stepOf(server));
}

/** "OTLP/gRPC". */
const NAMES: Record<string, string> = {
  otlp: "OTLP",
  jaeger: "Jaeger",
  zipkin: "Zipkin",
  xray: "X-Ray",
  kafka: "Kafka",
  datadog: "Datadog",
  grpc: "gRPC",
};

export function receiverName({ protocol, transport }: Receiver): string {
  const name = (s: string) => NAMES[s] ?? s.toUpperCase();
  return protocol === transport ? name(protocol) : `${name(protocol)}/${name(transport)}`;
}

/** What of a request a drop is about: all of it, a whole span, a part of a span, or how a text reads. */
export type Loss = "requests" | "spans" | "parts" | "texts";

const LOSSES: Record<Loss, readonly Drop["reason"][]> = {
  requests: ["malformed", "unsupported", "too_large", "overloaded", "unavailable", "failed", "canceled"],
  spans: ["invalid_span"],
  parts: [
    "too_many_attributes",
    "attribute_key_too_long",
    "too_many_events",
    "too_many_links",
    "invalid_link",
  ],
  texts: ["value_too_long", "name_too_long", "invalid_utf8"],
};

export const lossOf = (reason: Drop["reason"]): Loss =>
  (Object.keys(LOSSES) as Loss[]).find((loss) => LOSSES[loss].includes(reason)) ?? "requests";

/** Bytes of a span as it came, decompressed; undefined while none has. */
export function receivedPerSpan(server: Server): number | undefined {
  const spans = server.receivers.reduce((n, r) => n + r.spanCount, 0);
  return spans > 0 ? server.receivers.reduce((n, r) => n + r.decompressedBytes, 0) / spans : undefined;
}

/** What stored spans must be at least before their size says what the next ones will take. */
const TELLING_SPANS = 10_000;
/** And for how many seconds they must have come. */
const TELLING_TIME = 600;

export type Forecast =
  | { readonly kind: "full"; readonly days: number; readonly atLeast: boolean }
  | { readonly kind: "steady"; readonly bytes: number }
  /** Nothing comes, or not for long enough to say anything. */
  | { readonly kind: "unknown" };

/**
 * What becomes of the disk if spans keep coming as in the last hour and nothing else writes to it. Retention counts by
 * what it deletes after its longest time; where a rule keeps traces for ever nothing is sure to be deleted.
 */
export function forecast(server: Server, status: Status, nowMillis: number): Forecast {
  const { disk } = server;
  const seconds = stepsOf(server) * stepOf(server);
  const spans = server.receivers.reduce((n, r) => n + sum(r.spanHistory), 0);
  if (!disk || seconds < TELLING_TIME || server.segmentSpanCount < TELLING_SPANS || spans === 0)
    return { kind: "unknown" };
  const growth = ((spans / seconds) * server.segmentBytes) / server.segmentSpanCount; // bytes a second
  const room = Math.max(0, disk.freeBytes - disk.reservedBytes);
  const days = room / growth / DAY;
  const age = keptFor(status.retention);
  const bound = status.retention.bytes && status.retention.bytes * server.tenantCount;
  const levels = Math.min(
    age === undefined ? Number.POSITIVE_INFINITY : growth * age,
    bound ?? Number.POSITIVE_INFINITY,
  );
  if (levels <= server.segmentBytes + room) return { kind: "steady", bytes: levels };
  const held = status.minSpanStartUnixNano
    ? nowMillis / 1000 - Number(status.minSpanStartUnixNano) / 1e9
    : Number.POSITIVE_INFINITY;
  // From the day on which retention deletes too, the disk fills more slowly than this.
  return { kind: "full", days, atLeast: age !== undefined && held + days * DAY > age };
}

/** Seconds after which every trace is deleted; undefined if some may stay for ever. */
export function keptFor(retention: Status["retention"]): number | undefined {
  const ages = [retention.ageNanos, ...retention.rules.map((r) => r.ageNanos)];
  if (ages.some((a) => a === undefined)) return undefined;
  return Math.max(...ages.map((a) => Number(a) / 1e9));
}
