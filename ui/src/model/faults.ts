// Failed spans in groups that are one fault each: what failed, the type of the error, and its message without what
// differs from one time to the next.

import type { AnyValue, FoundSpan } from "../api/types";
import { nanosToMillis } from "../base/format";
import { textOf } from "./detail";

/** What failed spans are asked for, beside what every span has. */
export const FAULT_FIELDS = [
  "kind",
  "span:parentID",
  "statusMessage",
  "event.exception.type",
  "event.exception.message",
  "span.error.type",
  "span.http.response.status_code",
  "span.rpc.grpc.status_code",
] as const;

/** Fixes the order of the replacements: the longer forms first, so that no part of them is taken for a shorter one. */
const PARTS: readonly (readonly [pattern: RegExp, placeholder: string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "{id}"],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?/g, "{time}"],
  [/\b[\w.+-]+@[\w-]+(\.[\w-]+)+\b/g, "{address}"],
  [/\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b/g, "{address}"],
  [/"(?:[^"\\]|\\.)*"|“[^”]*”|`[^`]*`/g, "{value}"],
  // An apostrophe within a word is no quote.
  [/(?<![\p{L}\d])'[^']*'(?![\p{L}\d])/gu, "{value}"],
  [/\b0x[0-9a-f]+\b/gi, "{id}"],
  // Hexadecimal with a digit in it, or letters and digits mixed in a long word, name a thing.
  [/\b(?=[a-f]*\d)[0-9a-f]{6,}(-[0-9a-f]{2,})*\b/gi, "{id}"],
  [/\b(?=\w*\d)\w{16,}\b/g, "{id}"],
  [/(?<![\p{L}\d_])(?:\d+(?:[.,]\d+)*(?:ns|us|µs|ms|s|m|h))+(?![\p{L}\d])/gu, "{n}"],
  [/(?<![\p{L}\d_{])[-+]?\d+(?:[.,]\d+)*/gu, "{n}"],
];

/** A message with placeholders for its numbers, ids, addresses, times and quoted parts. */
export function templateOf(message: string): string {
  let text = message.split("\n", 1)[0]!;
  for (const [pattern, placeholder] of PARTS) text = text.replace(pattern, placeholder);
  return text.trim();
}

/**
 * One fault: failures that are alike. A failure is counted once, at the deepest failed span: those above it that failed
 * with it, as the server span does whose call failed, are named. Failures without a message are told apart by what was
 * done.
 */
export interface Fault {
  readonly key: string;
  /** What failed, the most frequent first. */
  readonly operations: readonly string[];
  /** What failed with it, the most frequent first. */
  readonly above: readonly string[];
  /** The exception's type, or what the protocol said; "" where nothing does. */
  readonly type: string;
  /** "" where there is no message. */
  readonly template: string;
  readonly count: number;
  /** Unix milliseconds of the starts of its first and last span. */
  readonly first: number;
  readonly last: number;
  /** The message of the last one, and where it is. */
  readonly message: string;
  /** Whether spans say type and message themselves, not one above them. */
  readonly own: boolean;
  readonly traceId: string;
  readonly spanId: string;
}

/** A failed span and the trace that it is in. */
export interface Failed {
  readonly traceId: string;
  readonly span: FoundSpan;
}

/** What a span says of how it failed. */
interface Word {
  readonly type: string;
  readonly message: string;
}

/** A failed span with those above it that failed with it, the nearest first. */
interface Failure extends Failed {
  readonly above: readonly FoundSpan[];
}

function fieldOf(span: FoundSpan, name: (typeof FAULT_FIELDS)[number]): AnyValue | undefined {
  return span.values.find((v) => v.name === name)?.value ?? undefined;
}

function wordOf(span: FoundSpan): Word {
  const value = (name: (typeof FAULT_FIELDS)[number]) => textOf(fieldOf(span, name) ?? {});
  const http = value("span.http.response.status_code");
  const grpc = value("span.rpc.grpc.status_code");
  return {
    type:
      value("event.exception.type") ||
      (http && `HTTP ${http}`) ||
      (grpc && `gRPC ${grpc}`) ||
      value("span.error.type"),
    message: value("event.exception.message") || value("statusMessage"),
  };
}

/** The id of a span's parent as spans have theirs; "" where it has none. */
function parentOf(span: FoundSpan): string {
  const bytes = atob(fieldOf(span, "span:parentID")?.bytesValue ?? "");
  return Array.from(bytes, (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}

/** The spans below which none of the others failed, each with the failed ones above it. */
function failuresOf(spans: readonly Failed[]): Failure[] {
  const place = (traceId: string, spanId: string) => `${traceId} ${spanId}`;
  const byPlace = new Map(spans.map((f) => [place(f.traceId, f.span.spanId), f]));
  const parents = new Set(spans.map((f) => place(f.traceId, parentOf(f.span))));
  return [...byPlace]
    .filter(([at]) => !parents.has(at))
    .map(([, origin]) => {
      const above: FoundSpan[] = [];
      for (let at = origin.span; above.length < byPlace.size; at = above.at(-1)!) {
        const parent = byPlace.get(place(origin.traceId, parentOf(at)));
        if (!parent) break;
        above.push(parent.span);
      }
      return { ...origin, above };
    });
}

/** The faults that failed spans show, those that occur most often first. */
export function faultsOf(spans: readonly Failed[]): Fault[] {
  const faults = new Map<string, Omit<Fault, "operations" | "above">>();
  const operations = new Tally();
  const above = new Tally();
  for (const failure of failuresOf(spans)) {
    const { traceId, span } = failure;
    const own = wordOf(span);
    // An exception is often recorded above the call that failed, which itself has no more than a status.
    const words = [own, ...failure.above.map(wordOf)];
    const type = words.find((w) => w.type)?.type ?? "";
    const message = words.find((w) => w.message)?.message ?? "";
    const template = templateOf(message);
    const time = nanosToMillis(span.startTimeUnixNano);
    const kind = textOf(fieldOf(span, "kind") ?? {});
    const key = [type, template, ...(template ? [] : [span.name, kind])].join("\u0000");
    const before = faults.get(key);
    const latest = !before || time >= before.last;
    faults.set(key, {
      key,
      type,
      template,
      count: (before?.count ?? 0) + 1,
      first: Math.min(time, before?.first ?? time),
      last: Math.max(time, before?.last ?? time),
      message: latest ? message : before.message,
      traceId: latest ? traceId : before.traceId,
      spanId: latest ? span.spanId : before.spanId,
      own: (before?.own ?? true) && own.type === type && own.message === message,
    });
    operations.add(key, span.name);
    for (const { name } of failure.above) above.add(key, name);
  }
  return [...faults.values()]
    .map((fault) => ({ ...fault, operations: operations.of(fault.key), above: above.of(fault.key) }))
    .sort((a, b) => b.count - a.count || b.last - a.last);
}

/** How often each name occurs, by key. */
class Tally {
  private readonly counts = new Map<string, Map<string, number>>();

  add(key: string, name: string): void {
    const names = this.counts.get(key) ?? new Map<string, number>();
    this.counts.set(key, names.set(name, (names.get(name) ?? 0) + 1));
  }

  /** The names, the most frequent first. */
  of(key: string): string[] {
    return [...(this.counts.get(key) ?? [])].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  }
}

/**
 * The conditions that failed spans like a fault's satisfy: exactly where the message is the same each time, else by a
 * regular expression of its fixed parts. What only spans above say is not asked of them.
 */
export function conditionsOf(fault: Fault): string[] {
  const conditions = ["status = error"];
  if (fault.operations.length === 1) conditions.push(`name = ${JSON.stringify(fault.operations[0])}`);
  if (!fault.own) return conditions;
  const status = /^HTTP (\d+)$/.exec(fault.type);
  if (status) conditions.push(`span.http.response.status_code = ${status[1]}`);
  if (fault.template === "") return conditions;
  const parts = fault.template.split(/\{(?:id|time|address|value|n)\}/);
  const literal = JSON.stringify(
    parts.length === 1 && fault.template === fault.message
      ? fault.message
      : `${parts.map(escapeRegExp).join(".*")}${fault.message.includes("\n") ? "(?s:.*)" : ""}`,
  );
  const op = parts.length === 1 && fault.template === fault.message ? "=" : "=~";
  conditions.push(`(statusMessage ${op} ${literal} || event.exception.message ${op} ${literal})`);
  return conditions;
}

const escapeRegExp = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
