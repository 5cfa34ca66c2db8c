// The tree table: what its columns sort by, and the order of rows when siblings are sorted.

import { type Errors, NO_ERROR } from "./errors";
import { nameOf, type Trace } from "./trace";
import type { Work } from "./work";

export const SORTS = ["name", "service", "start", "duration", "self", "errors", "kind"] as const;
export type Sort = (typeof SORTS)[number];

/** For each row how many spans failed in its subtree, itself included. */
export function errorCounts(trace: Trace, errors: Errors): Int32Array {
  const counts = Int32Array.from(errors.mark, (mark) => (mark === NO_ERROR ? 0 : 1));
  for (let r = trace.size - 1; r >= 0; r--) {
    if (trace.parent[r]! >= 0) counts[trace.parent[r]!]! += counts[r]!;
  }
  return counts;
}

/** Compares two rows by a column, ascending. */
export function compareBy(
  trace: Trace,
  work: Work,
  counts: Int32Array,
  sort: Sort,
): (a: number, b: number) => number {
  if (sort === "name") return (a, b) => compare(nameOf(trace, a), nameOf(trace, b));
  if (sort === "service")
    return (a, b) => compare(trace.services[trace.service[a]!]!, trace.services[trace.service[b]!]!);
  const { start, duration, kind } = trace;
  const values = { start, duration, self: work.self, errors: counts, kind }[sort];
  return (a, b) => values[a]! - values[b]!;
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** The rows shown, as visibleRows lists them, with the siblings of each parent in the order of `compare`. */
export function sortedRows(
  trace: Trace,
  collapsed: ReadonlySet<number>,
  focus: number,
  compare: (a: number, b: number) => number,
): Int32Array {
  const rows: number[] = [];
  const stack: number[] = [];
  const push = (from: number, end: number) => {
    const siblings: number[] = [];
    for (let r = from; r < end; r += trace.subtree[r]!) siblings.push(r);
    siblings.sort((a, b) => compare(a, b) || a - b);
    for (let i = siblings.length - 1; i >= 0; i--) stack.push(siblings[i]!);
  };
  if (focus < 0) push(0, trace.size);
  else stack.push(focus);
  while (stack.length > 0) {
    const r = stack.pop()!;
    rows.push(r);
    if (!collapsed.has(r)) push(r + 1, r + trace.subtree[r]!);
  }
  return Int32Array.from(rows);
}
