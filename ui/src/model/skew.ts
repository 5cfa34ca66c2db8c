// Clocks of different machines differ. A child on another machine cannot begin before its parent, so where it
// seems to, its clock is behind; it and what is below it are moved forward by the least plausible amount.
// A server that seems to begin after its caller had its answer is moved back in the same way.
//
// A call's child that fits is put in the middle of its parent, as if both ways on the network took the same
// time (Cristian's estimate). A child that merely ends late is left alone: callers do give up early.

import { CLIENT, extent, SERVER, type Trace } from "./trace";

/** Differences below this are rounding, not clocks. */
const LEAST_NANOS = 1000;

export interface Skew {
  /** The trace with clocks adjusted, or the same trace where nothing had to be. */
  readonly trace: Trace;
  /** Rows whose own clock was judged wrong, without those moved along with them. */
  readonly moved: Int32Array;
  /** The largest adjustment in nanoseconds. */
  readonly most: number;
}

/** Detects and removes clock skew. */
export function adjustSkew(trace: Trace): Skew {
  const { size, parent, duration } = trace;
  const shift = new Float64Array(size);
  const start = new Float64Array(size);
  const moved: number[] = [];
  let most = 0;
  for (let r = 0; r < size; r++) {
    const p = parent[r]!;
    shift[r] = p < 0 ? 0 : shift[p]!;
    start[r] = trace.start[r]! + shift[r]!;
    if (p < 0) continue;
    const delta = skewOf(trace, r, start[r]!, start[p]!);
    if (Math.abs(delta) < LEAST_NANOS) continue;
    shift[r]! += delta;
    start[r]! += delta;
    moved.push(r);
    most = Math.max(most, Math.abs(delta));
  }
  if (moved.length === 0) return { trace, moved: new Int32Array(0), most: 0 };
  return { trace: { ...trace, start, ...extent(start, duration) }, moved: Int32Array.from(moved), most };
}

function skewOf(trace: Trace, row: number, start: number, parentStart: number): number {
  const p = trace.parent[row]!;
  const { spans } = trace.columns;
  if (spans.resource[trace.source[row]!] === spans.resource[trace.source[p]!]) return 0;
  const call = trace.kind[p] === CLIENT && trace.kind[row] === SERVER;
  const early = parentStart - start;
  const late = start - (parentStart + trace.duration[p]!);
  if (early < LEAST_NANOS && !(call && late > LEAST_NANOS)) return 0;
  const slack = trace.duration[p]! - trace.duration[row]!;
  return call && slack > 0 ? early + slack / 2 : early;
}
