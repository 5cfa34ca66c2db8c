// How a failure went from where it began up through its callers, and what was done about it.

import { ERROR, type Trace } from "./trace";

/** The failed rows above `row`, nearest first; of neighbours of one service only the topmost. */
export function causeChain(trace: Trace, row: number): number[] {
  const chain: number[] = [];
  for (let r = trace.parent[row]!; r >= 0; r = trace.parent[r]!) {
    if (trace.status[r] !== ERROR) continue;
    const last = chain.at(-1);
    if (last !== undefined && trace.service[last] === trace.service[r]) chain.pop();
    chain.push(r);
  }
  return chain;
}

/** The topmost failed row above `row`, or the row itself. */
export function topmostFailed(trace: Trace, row: number): number {
  let top = row;
  for (let r = trace.parent[row]!; r >= 0; r = trace.parent[r]!) if (trace.status[r] === ERROR) top = r;
  return top;
}

/** Calls of the same operation by the same caller that began after `row` had failed, in order. */
export function callsAgain(trace: Trace, row: number): number[] {
  const parent = trace.parent[row]!;
  if (parent < 0) return [];
  const { name } = trace.columns.spans;
  const end = trace.start[row]! + trace.duration[row]!;
  const again: number[] = [];
  for (let r = row + trace.subtree[row]!; r < parent + trace.subtree[parent]!; r += trace.subtree[r]!) {
    const same =
      trace.service[r] === trace.service[row] &&
      trace.kind[r] === trace.kind[row] &&
      name[trace.source[r]!] === name[trace.source[row]!];
    if (same && trace.start[r]! >= end) again.push(r);
  }
  return again;
}

export interface Failure {
  /** Where it began. */
  readonly origin: number;
  /** The failed rows above, see causeChain. */
  readonly chain: readonly number[];
  /** The failed row that was called again, or the topmost failed one. */
  readonly call: number;
  /** Later calls of the same operation. */
  readonly again: readonly number[];
  /** Whether the last of these did not fail. */
  readonly recovered: boolean;
}

/** The failure that began at `origin`. */
export function failureOf(trace: Trace, origin: number): Failure {
  const chain = causeChain(trace, origin);
  const top = topmostFailed(trace, origin);
  for (let r = origin; r >= 0; r = r === top ? -1 : trace.parent[r]!) {
    if (trace.status[r] !== ERROR) continue;
    const again = callsAgain(trace, r);
    if (again.length === 0) continue;
    return { origin, chain, call: r, again, recovered: trace.status[again.at(-1)!] !== ERROR };
  }
  return { origin, chain, call: top, again: [], recovered: false };
}
