// What an outline left out below a span, put in its place: an outline of the trace and one of a subtree make one.

import type { TraceOutline } from "../api/types";

/** How rows moved: those from `end` on by `by`; those of the subtree of `row` are new, `row` itself stays. */
export interface Moved {
  readonly row: number;
  readonly end: number;
  readonly by: number;
}

const ID_DIGITS = 16;

/** The row of a span, the first with the ID, or -1. */
function rowOfId(ids: string, spanId: string): number {
  let at = ids.indexOf(spanId);
  while (at >= 0 && at % ID_DIGITS !== 0) at = ids.indexOf(spanId, at + 1);
  return at < 0 ? -1 : at / ID_DIGITS;
}

/** Puts an outline of a subtree, whose first span is in the trace, in the place of that subtree. */
export function graft(
  trace: TraceOutline,
  part: TraceOutline,
): { outline: TraceOutline; moved: Moved } | undefined {
  const row = rowOfId(trace.spans.id, part.spans.id.slice(0, ID_DIGITS));
  if (row < 0) return undefined;
  const { parent } = trace.spans;
  let end = row + 1;
  while (end < parent.length && parent[end]! >= row) end++;
  const by = part.spans.parent.length - (end - row);
  const moved = { row, end, by };
  const strings = [...trace.strings];
  const numbers = new Map(strings.map((s, i) => [s, i]));
  const renumbered = part.strings.map((s) => numbers.get(s) ?? strings.push(s) - 1);
  const join = (whole: readonly number[], mid: readonly number[]) =>
    whole.slice(0, row).concat(mid, whole.slice(end));
  const text = (list: readonly number[]) => list.map((s) => renumbered[s]!);
  const above = [parent[row]!];
  const { spans } = part;
  const outline: TraceOutline = {
    ...trace,
    strings,
    spans: {
      id: trace.spans.id.slice(0, row * ID_DIGITS) + spans.id + trace.spans.id.slice(end * ID_DIGITS),
      parent: join(parent, above.concat(spans.parent.slice(1).map((p) => p + row))).map((p, r) =>
        r >= end + by && p >= end ? p + by : p,
      ),
      parentId: Object.fromEntries(
        Object.entries(trace.spans.parentId)
          .filter(([r]) => Number(r) <= row || Number(r) >= end)
          .map(([r, id]) => [Number(r) >= end ? String(Number(r) + by) : r, id]),
      ),
      start: join(trace.spans.start, spans.start),
      duration: join(trace.spans.duration, spans.duration),
      name: join(trace.spans.name, text(spans.name)),
      service: join(trace.spans.service, text(spans.service)),
      kind: join(trace.spans.kind, spans.kind),
      status: join(trace.spans.status, spans.status),
      message: join(trace.spans.message, text(spans.message)),
    },
    left: joinTables(trace.left, part.left, "below", moved),
    criticalPath: byStart(joinTables(trace.criticalPath, part.criticalPath, "row", moved)),
  };
  return { outline, moved };
}

type Table = Record<string, number[]>;

/** Joins tables whose `key` is a row: what is of the subtree comes from the part, between what is before and after. */
function joinTables<T extends { [K in keyof T]: number[] }>(
  whole: T,
  part: T,
  key: keyof T & string,
  { row, end, by }: Moved,
): T {
  const joined: Table = Object.fromEntries(Object.keys(whole).map((name) => [name, []]));
  const take = (from: Table, wanted: (r: number) => boolean, shift: number) => {
    const rows = from[key]!;
    for (let i = 0; i < rows.length; i++) {
      if (!wanted(rows[i]!)) continue;
      for (const name of Object.keys(joined))
        joined[name]!.push(name === key ? rows[i]! + shift : from[name]![i]!);
    }
  };
  take(whole as Table, (r) => r < row, 0);
  take(part as Table, () => true, row);
  take(whole as Table, (r) => r >= end, by);
  return joined as T;
}

function byStart(path: TraceOutline["criticalPath"]): TraceOutline["criticalPath"] {
  const order = path.row.map((_, i) => i).sort((a, b) => path.start[a]! - path.start[b]! || a - b);
  const pick = (list: readonly number[]) => order.map((i) => list[i]!);
  return { row: pick(path.row), start: pick(path.start), end: pick(path.end) };
}
