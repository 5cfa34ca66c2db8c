// Failed spans in groups that are one fault each: what failed, the type of the error, and its message without what
// differs from one time to the next.

import type { FoundSpan } from "../api/types";
import { nanosToMillis } from "../base/format";
import { textOf } from "./detail";

/** What failed spans are asked for, beside what every span has. */
export const FAULT_FIELDS = [
  "kind",
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

/** One fault: spans that failed the same way. Those without a message are told apart by what they did. */
export interface Fault {
  readonly key: string;
  /** What failed, the most frequent first. */
  readonly operations: readonly string[];
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
  readonly traceId: string;
  readonly spanId: string;
}

/** A failed span and the trace that it is in. */
export interface Failed {
  readonly traceId: string;
  readonly span: FoundSpan;
}

/** The faults that spans show, those that occur most often first. */
export function faultsOf(spans: readonly Failed[]): Fault[] {
  const faults = new Map<string, Omit<Fault, "operations">>();
  const operations = new Map<string, Map<string, number>>();
  for (const { traceId, span } of spans) {
    const value = (name: (typeof FAULT_FIELDS)[number]) => {
      const found = span.values.find((v) => v.name === name)?.value;
      return found == null ? "" : textOf(found);
    };
    const http = value("span.http.response.status_code");
    const grpc = value("span.rpc.grpc.status_code");
    const type =
      value("event.exception.type") ||
      (http && `HTTP ${http}`) ||
      (grpc && `gRPC ${grpc}`) ||
      value("span.error.type");
    const message = value("event.exception.message") || value("statusMessage");
    const template = templateOf(message);
    const time = nanosToMillis(span.startTimeUnixNano);
    const key = [type, template, ...(template ? [] : [span.name, value("kind")])].join("\u0000");
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
    });
    const names = operations.get(key) ?? new Map<string, number>();
    operations.set(key, names.set(span.name, (names.get(span.name) ?? 0) + 1));
  }
  return [...faults.values()]
    .map((fault) => ({
      ...fault,
      operations: [...operations.get(fault.key)!].sort((a, b) => b[1] - a[1]).map(([name]) => name),
    }))
    .sort((a, b) => b.count - a.count || b.last - a.last);
}

/**
 * The conditions that failed spans like a fault's satisfy: exactly where the message is the same each time, else by a
 * regular expression of its fixed parts.
 */
export function conditionsOf(fault: Fault): string[] {
  const conditions = ["status = error"];
  if (fault.operations.length === 1) conditions.push(`name = ${JSON.stringify(fault.operations[0])}`);
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
