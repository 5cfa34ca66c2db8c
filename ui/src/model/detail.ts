// What one span carries, read from the columns when it is asked for.

import type { AnyValue } from "../api/types";
import { idOf, type Trace } from "./trace";

export interface Attribute {
  readonly key: string;
  readonly value: AnyValue;
}

export interface SpanEvent {
  readonly name: string;
  /** Nanoseconds after the span's start as sent. */
  readonly offset: number;
  readonly attributes: Attribute[];
  readonly dropped: number;
}

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Attribute[];
}

function run(trace: Trace, from: number, to: number): Attribute[] {
  const { strings, attributes } = trace.columns;
  const list: Attribute[] = [];
  for (let i = from; i < to; i++) {
    list.push({ key: strings[attributes.key[i]!] ?? "", value: attributes.value[i] ?? {} });
  }
  return list;
}

/** The span's attributes as sent. */
export function attributesOf(trace: Trace, row: number): Attribute[] {
  const { attrs } = trace.columns.spans;
  const i = trace.source[row]!;
  return run(trace, attrs[i]!, attrs[i + 1]!);
}

/** The attributes of the span's resource. */
export function resourceOf(trace: Trace, row: number): Attribute[] {
  const { resources, spans } = trace.columns;
  const i = spans.resource[trace.source[row]!]!;
  return run(trace, resources.attrs[i] ?? 0, resources.attrs[i + 1] ?? 0);
}

/** Whether AWS X-Ray sent the span while it was running, and no more since. */
export const isRunning = (trace: Trace, row: number): boolean =>
  trace.duration[row] === 0 &&
  attributesOf(trace, row).some(({ key, value }) => key === "aws.xray.inprogress" && value.boolValue);

/** Whether the span came by AWS X-Ray, to whose users its IDs say more. */
export const cameByXRay = (trace: Trace, row: number): boolean =>
  [...attributesOf(trace, row), ...resourceOf(trace, row)].some(({ key }) => key.startsWith("aws.xray."));

/** The span's instrumentation scope. */
export function scopeOf(trace: Trace, row: number) {
  const { scopes, spans, strings } = trace.columns;
  const i = spans.scope[trace.source[row]!]!;
  return {
    name: strings[scopes.name[i] ?? 0] ?? "",
    version: strings[scopes.version[i] ?? 0] ?? "",
    attributes: run(trace, scopes.attrs[i] ?? 0, scopes.attrs[i + 1] ?? 0),
  };
}

/** The attributes of an event by its place in columns.events. */
export const attributesOfEvent = (trace: Trace, event: number): Attribute[] =>
  run(trace, trace.columns.events.attrs[event]!, trace.columns.events.attrs[event + 1]!);

/** The span's events in the order they were sent. */
export function eventsOf(trace: Trace, row: number): SpanEvent[] {
  const { spans, events, strings } = trace.columns;
  const source = trace.source[row]!;
  const list: SpanEvent[] = [];
  for (let i = spans.events[source]!; i < spans.events[source + 1]!; i++) {
    list.push({
      name: strings[events.name[i]!] ?? "",
      offset: events.time[i]! - spans.start[source]!,
      attributes: attributesOfEvent(trace, i),
      dropped: events.dropped[i] ?? 0,
    });
  }
  return list;
}

/** The span's links. */
export function linksOf(trace: Trace, row: number): SpanLink[] {
  const { spans, links } = trace.columns;
  const source = trace.source[row]!;
  const list: SpanLink[] = [];
  for (let i = spans.links[source]!; i < spans.links[source + 1]!; i++) {
    list.push({
      traceId: links.traceId[i] ?? "",
      spanId: links.spanId[i] ?? "",
      attributes: run(trace, links.attrs[i]!, links.attrs[i + 1]!),
    });
  }
  return list;
}

/** The rows of this trace that link to the row. */
export function linksTo(trace: Trace, row: number): number[] {
  const { spans, links } = trace.columns;
  if (links.traceId.length === 0) return [];
  const id = idOf(trace, row);
  const meant = links.spanId.map((s, i) => s === id && links.traceId[i] === trace.traceId);
  if (!meant.includes(true)) return [];
  const rows: number[] = [];
  for (let r = 0; r < trace.size; r++) {
    const source = trace.source[r]!;
    for (let i = spans.links[source]!; i < spans.links[source + 1]!; i++) {
      if (!meant[i]) continue;
      rows.push(r);
      break;
    }
  }
  return rows;
}

/** A value as text; nested values as JSON-like text. */
export function textOf(value: AnyValue): string {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.intValue !== undefined) return String(value.intValue);
  if (value.doubleValue !== undefined) return String(value.doubleValue);
  if (value.boolValue !== undefined) return String(value.boolValue);
  if (value.bytesValue !== undefined) return value.bytesValue;
  if (value.arrayValue) return `[${(value.arrayValue.values ?? []).map(nested).join(", ")}]`;
  if (value.kvlistValue) {
    return `{${(value.kvlistValue.values ?? []).map((kv) => `${kv.key}: ${nested(kv.value ?? {})}`).join(", ")}}`;
  }
  return "";
}

const nested = (value: AnyValue): string =>
  value.stringValue !== undefined ? JSON.stringify(value.stringValue) : textOf(value);

/** The value as a literal of the query language; undefined where it has none. */
export function literalOf(value: AnyValue): string | undefined {
  if (value.stringValue !== undefined) return JSON.stringify(value.stringValue);
  if (value.intValue !== undefined) return String(value.intValue);
  if (value.doubleValue !== undefined && Number.isFinite(Number(value.doubleValue)))
    return String(value.doubleValue);
  if (value.boolValue !== undefined) return String(value.boolValue);
  return undefined;
}

/** Groups of attributes by semantic convention, in the order they are shown. */
export const GROUPS = ["exception", "http", "rpc", "db", "messaging", "feature_flag", "other"] as const;
export type Group = (typeof GROUPS)[number];

const PREFIXES: readonly [prefix: string, group: Group][] = [
  ["exception.", "exception"],
  ["error.", "exception"],
  ["http.", "http"],
  ["url.", "http"],
  ["user_agent.", "http"],
  ["rpc.", "rpc"],
  ["grpc.", "rpc"],
  ["db.", "db"],
  ["sql.", "db"],
  ["messaging.", "messaging"],
  ["feature_flag.", "feature_flag"],
];

/** Sorts attributes into groups; empty groups are left out, keys are in order. */
export function groupAttributes(
  attributes: readonly Attribute[],
): { group: Group; attributes: Attribute[] }[] {
  const byGroup = new Map<Group, Attribute[]>();
  for (const attribute of attributes) {
    const group = PREFIXES.find(([prefix]) => attribute.key.startsWith(prefix))?.[1] ?? "other";
    byGroup.set(group, [...(byGroup.get(group) ?? []), attribute]);
  }
  return GROUPS.filter((group) => byGroup.has(group)).map((group) => ({
    group,
    attributes: byGroup.get(group)!.sort((a, b) => (a.key < b.key ? -1 : 1)),
  }));
}
