// Which spans failed, and where it began.
//
// A failed span is an origin if no span below it failed: its failure came from itself. A failed span with a
// failed one below it only passed the failure on.

import { attributesOf, eventsOf, textOf } from "./detail";
import { ERROR, type Trace } from "./trace";

export const NO_ERROR = 0;
export const PROPAGATED = 1;
export const ORIGIN = 2;

export interface Errors {
  /** NO_ERROR, PROPAGATED or ORIGIN of each row. */
  readonly mark: Uint8Array;
  /** Failed rows in display order. */
  readonly failed: Int32Array;
  /** The origin that started first, or -1. */
  readonly first: number;
  /** Whether each row has a failed span in its subtree, itself included. */
  readonly below: Uint8Array;
}

/** Marks every failed span. */
export function findErrors(trace: Trace): Errors {
  const mark = new Uint8Array(trace.size);
  const below = new Uint8Array(trace.size);
  const failed: number[] = [];
  let first = -1;
  for (let r = trace.size - 1; r >= 0; r--) {
    if (trace.status[r] === ERROR) {
      mark[r] = below[r] ? PROPAGATED : ORIGIN;
      below[r] = 1;
      failed.push(r);
      if (mark[r] === ORIGIN && (first < 0 || trace.start[r]! <= trace.start[first]!)) first = r;
    }
    if (below[r] && trace.parent[r]! >= 0) below[trace.parent[r]!] = 1;
  }
  return { mark, below, failed: Int32Array.from(failed.reverse()), first };
}

/** Whether what called the row got on: no span above it failed, and there is one. */
export function wasHandled(trace: Trace, row: number): boolean {
  for (let r = trace.parent[row]!; r >= 0; r = trace.parent[r]!) if (trace.status[r] === ERROR) return false;
  return trace.parent[row]! >= 0;
}

/** The nearest failed span above that put the failure into words, or -1; for failures that are only a code. */
export function toldBy(trace: Trace, row: number): number {
  if (ownWords(trace, row)) return -1;
  for (let r = trace.parent[row]!; r >= 0; r = trace.parent[r]!) {
    if (trace.status[r] === ERROR && ownWords(trace, r)) return r;
  }
  return -1;
}

/** The status message, or what an exception event says; "" if neither is there. */
function ownWords(trace: Trace, row: number): string {
  const message = trace.columns.strings[trace.columns.spans.statusMessage[trace.source[row]!]!];
  if (message) return message;
  for (const event of eventsOf(trace, row)) {
    if (event.name !== "exception") continue;
    const find = (key: string) => event.attributes.find((a) => a.key === key);
    const said = find("exception.message") ?? find("exception.type");
    if (said) return textOf(said.value);
  }
  return "";
}

/** What the span says about its failure, in words or as a code; "" if nothing. */
export function errorMessage(trace: Trace, row: number): string {
  const words = ownWords(trace, row);
  if (words) return words;
  const attributes = attributesOf(trace, row);
  const status = attributes.find(
    (a) => a.key === "http.response.status_code" || a.key === "http.status_code",
  );
  if (status) return `HTTP ${textOf(status.value)}`;
  const type = attributes.find((a) => a.key === "error.type");
  return type ? textOf(type.value) : "";
}
