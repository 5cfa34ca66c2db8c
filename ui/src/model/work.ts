// Where a span works and where it waits on its children.
//
// A span's waiting time is the union of its children's intervals, cut to the span's own; the rest is self
// time. The longest stretch of self time in a span that has children is its gap: time nothing explains.

import type { Trace } from "./trace";

export interface Work {
  /** Nanoseconds of self time. */
  readonly self: Float64Array;
  /** Row r waits during [waitFrom[i], waitTo[i]) for i in waitOffset[r] … waitOffset[r + 1] - 1, in order. */
  readonly waitOffset: Int32Array;
  readonly waitFrom: Float64Array;
  readonly waitTo: Float64Array;
  /** The longest self time of a span with children; both 0 for a leaf. */
  readonly gapFrom: Float64Array;
  readonly gapTo: Float64Array;
}

/** Computes the work of every span in O(n log n). */
export function computeWork(trace: Trace): Work {
  const { size, subtree, start, duration } = trace;
  const self = Float64Array.from(duration);
  const waitOffset = new Int32Array(size + 1);
  const waitFrom = new Float64Array(size);
  const waitTo = new Float64Array(size);
  const gapFrom = new Float64Array(size);
  const gapTo = new Float64Array(size);
  let count = 0;
  const kids: number[] = [];
  for (let r = 0; r < size; r++) {
    waitOffset[r] = count;
    const from = start[r]!;
    const to = from + duration[r]!;
    kids.length = 0;
    for (let c = r + 1; c < r + subtree[r]!; c += subtree[c]!) kids.push(c);
    if (kids.length === 0) continue;
    kids.sort((a, b) => start[a]! - start[b]!);
    const first = count;
    for (const c of kids) {
      const a = Math.max(from, start[c]!);
      const b = Math.min(to, start[c]! + duration[c]!);
      if (b <= a) continue;
      if (count > first && a <= waitTo[count - 1]!) {
        waitTo[count - 1] = Math.max(waitTo[count - 1]!, b);
      } else {
        waitFrom[count] = a;
        waitTo[count] = b;
        count++;
      }
    }
    let last = from;
    const gap = (until: number) => {
      if (until - last > gapTo[r]! - gapFrom[r]!) {
        gapFrom[r] = last;
        gapTo[r] = until;
      }
    };
    for (let i = first; i < count; i++) {
      self[r]! -= waitTo[i]! - waitFrom[i]!;
      gap(waitFrom[i]!);
      last = waitTo[i]!;
    }
    gap(to);
  }
  waitOffset[size] = count;
  // Where children are left out, only the server knows; what looks like a gap may be theirs.
  const left = trace.outline?.left;
  left?.below.forEach((r, i) => {
    if (r < 0) return;
    self[r] = left.self[i]!;
    gapFrom[r] = gapTo[r] = 0;
  });
  return {
    self,
    waitOffset,
    waitFrom: waitFrom.slice(0, count),
    waitTo: waitTo.slice(0, count),
    gapFrom,
    gapTo,
  };
}
