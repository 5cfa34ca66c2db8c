// The critical path of a trace, as the server finds it, laid on the rows of a trace.
//
// Stretches are kept by time; `byRow` lists them by row, so that those of a subtree are one run of it.

import type { Stretch } from "../api/types";
import { idOf, nameOf, type Outline, serviceOf, type Trace } from "./trace";

export interface CriticalPath {
  readonly row: Int32Array;
  /** Nanoseconds after the trace's time zero, within the span's bar. */
  readonly from: Float64Array;
  readonly to: Float64Array;
  /** Numbers of stretches by row; those of row r are byRow[offset[r]] … byRow[offset[r + 1] - 1], by time. */
  readonly byRow: Int32Array;
  readonly offset: Int32Array;
  /** before[i] is the sum of the durations of byRow[0] … byRow[i - 1]. */
  readonly before: Float64Array;
  /** What all stretches take: the root's duration. */
  readonly total: number;
}

/** Lays the stretches, which follow one another in time, on the rows. Those of spans that are not here are left out. */
export function layCriticalPath(trace: Trace, stretches: readonly Stretch[]): CriticalPath {
  const rowOf = new Int32Array(trace.size);
  for (let r = 0; r < trace.size; r++) rowOf[trace.source[r]!] = r;
  const here = stretches.filter((s) => s.row < trace.size && idOf(trace, rowOf[s.row]!) === s.spanId);
  const time = (nanos: string) => Number(BigInt(nanos) - trace.startNanos);
  return layStretches(
    trace,
    Int32Array.from(here, (s) => rowOf[s.row]!),
    Float64Array.from(here, (s) => time(s.startTimeUnixNano)),
    Float64Array.from(here, (s) => time(s.endTimeUnixNano)),
  );
}

/** The same of an outline. */
export const layOutlinedPath = (trace: Trace, { path }: Outline) =>
  layStretches(trace, path.row, path.start, path.end);

function layStretches(trace: Trace, row: Int32Array, starts: Float64Array, ends: Float64Array): CriticalPath {
  const { size, start, duration } = trace;
  const from = new Float64Array(row.length);
  const to = new Float64Array(row.length);
  for (let i = 0; i < row.length; i++) {
    const r = row[i]!;
    // Server and page may judge clocks differently: a stretch stays on its bar.
    const shift = Math.max(0, start[r]! - starts[i]!) || Math.min(0, start[r]! + duration[r]! - ends[i]!);
    from[i] = starts[i]! + shift;
    to[i] = ends[i]! + shift;
  }
  const offset = new Int32Array(size + 1);
  for (const r of row) offset[r + 1]!++;
  for (let r = 0; r < size; r++) offset[r + 1]! += offset[r]!;
  const next = offset.slice();
  const byRow = new Int32Array(row.length);
  for (let i = 0; i < row.length; i++) byRow[next[row[i]!]!++] = i;
  const before = new Float64Array(row.length + 1);
  byRow.forEach((stretch, i) => {
    before[i + 1] = before[i]! + to[stretch]! - from[stretch]!;
  });
  return { row, from, to, byRow, offset, before, total: before[row.length]! };
}

/** What the row takes of the critical path itself, in nanoseconds. */
export const ownPathTime = (path: CriticalPath, row: number) =>
  path.before[path.offset[row + 1]!]! - path.before[path.offset[row]!]!;

/** What the row and all below it take of the critical path, in nanoseconds. */
export const pathTimeBelow = (path: CriticalPath, trace: Trace, row: number) =>
  path.before[path.offset[row + trace.subtree[row]!]!]! - path.before[path.offset[row]!]!;

export interface PathOperation {
  readonly service: string;
  readonly name: string;
  /** The row of the operation that takes most of the path. */
  readonly row: number;
  readonly time: number;
}

/** The operations that take most of the critical path, at most `most`, the longest first. */
export function topOperations(trace: Trace, path: CriticalPath, most: number): PathOperation[] {
  const { name } = trace.columns.spans;
  const sums = new Map<string, { row: number; longest: number; time: number }>();
  for (let i = 0; i < path.byRow.length; i = path.offset[path.row[path.byRow[i]!]! + 1]!) {
    const row = path.row[path.byRow[i]!]!;
    const time = ownPathTime(path, row);
    const key = `${trace.service[row]} ${name[trace.source[row]!]}`;
    const sum = sums.get(key);
    if (!sum) sums.set(key, { row, longest: time, time });
    else {
      sum.time += time;
      if (time > sum.longest) Object.assign(sum, { row, longest: time });
    }
  }
  return [...sums.values()]
    .sort((a, b) => b.time - a.time)
    .slice(0, most)
    .map(({ row, time }) => ({ service: serviceOf(trace, row), name: nameOf(trace, row), row, time }));
}
