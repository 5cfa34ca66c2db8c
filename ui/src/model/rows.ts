// Which rows are shown, and walking among them.

import type { Trace } from "./trace";

/** The rows shown: the subtree of `focus` (all where it is -1) without what is below collapsed rows. */
export function visibleRows(trace: Trace, collapsed: ReadonlySet<number>, focus: number): Int32Array {
  const first = Math.max(0, focus);
  const end = focus < 0 ? trace.size : focus + trace.subtree[focus]!;
  const rows = new Int32Array(end - first);
  let count = 0;
  for (let r = first; r < end; r += collapsed.has(r) ? trace.subtree[r]! : 1) rows[count++] = r;
  return rows.subarray(0, count);
}

/** The position of a row among ascending visible rows, or of the nearest one before it; -1 if none is. */
export function indexOfRow(rows: Int32Array, row: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle]! <= row) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** All rows that have children. */
export function allCollapsed(trace: Trace): Set<number> {
  const collapsed = new Set<number>();
  for (let r = 0; r < trace.size; r++) if (trace.subtree[r]! > 1) collapsed.add(r);
  return collapsed;
}

/** Collapses every subtree in which nothing is marked, so that only the ways to the marks are open. */
export function collapsedTo(trace: Trace, below: Uint8Array): Set<number> {
  const collapsed = new Set<number>();
  for (let r = 0; r < trace.size; ) {
    if (below[r]) {
      r++;
      continue;
    }
    if (trace.subtree[r]! > 1) collapsed.add(r);
    r += trace.subtree[r]!;
  }
  return collapsed;
}

/** The collapsed rows without those above `row`, so that it is visible; the same set if it already was. */
export function reveal(trace: Trace, collapsed: ReadonlySet<number>, row: number): ReadonlySet<number> {
  let result: Set<number> | undefined;
  for (let r = trace.parent[row]!; r >= 0; r = trace.parent[r]!) {
    if (!collapsed.has(r)) continue;
    result ??= new Set(collapsed);
    result.delete(r);
  }
  return result ?? collapsed;
}
