// Lanes of the flame chart: time runs right, calls go down, and spans that run at the same time get lanes of
// their own. A subtree is laid out as one block; a block goes to the first lanes that are free when it begins.

import type { Trace } from "./trace";

/** Blocks look for room in this many lanes; beyond, they overlap. It bounds the work for very wide traces. */
const MOST_LANES = 256;

export interface Lanes {
  readonly lane: Int32Array;
  readonly count: number;
}

/** Gives every span its lane; a child's is below its parent's. */
export function layoutLanes(trace: Trace): Lanes {
  const { size, subtree, parent, start, duration } = trace;
  const height = new Int32Array(size);
  const from = Float64Array.from(start);
  const to = new Float64Array(size);
  const within = new Int32Array(size);
  const free: number[] = [];
  const place = (r: number, end: number, next: (c: number) => number, top: number) => {
    free.length = 0;
    for (let c = top; c < end; c = next(c)) {
      within[c] = firstFree(free, from[c]!, height[c]!);
      for (let i = 0; i < height[c]!; i++) free[within[c]! + i] = to[c]!;
      if (r >= 0) {
        from[r] = Math.min(from[r]!, from[c]!);
        to[r] = Math.max(to[r]!, to[c]!);
      }
    }
    return free.length;
  };
  for (let r = size - 1; r >= 0; r--) {
    to[r] = start[r]! + duration[r]!;
    height[r] = 1 + place(r, r + subtree[r]!, (c) => c + subtree[c]!, r + 1);
  }
  const count = place(-1, size, (c) => c + subtree[c]!, 0);
  const lane = new Int32Array(size);
  for (let r = 0; r < size; r++) lane[r] = parent[r]! < 0 ? within[r]! : lane[parent[r]!]! + 1 + within[r]!;
  return { lane, count };
}

function firstFree(free: readonly number[], from: number, height: number): number {
  let run = 0;
  for (let lane = 0; lane < Math.min(free.length, MOST_LANES); lane++) {
    run = (free[lane] ?? Number.NEGATIVE_INFINITY) <= from ? run + 1 : 0;
    if (run === height) return lane - height + 1;
  }
  return free.length >= MOST_LANES ? 0 : free.length - run;
}
