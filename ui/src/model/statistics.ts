// A trace summed by service, by operation or by kind.

import { ERROR, KINDS, nameOf, serviceOf, type Trace } from "./trace";
import type { Work } from "./work";

export const GROUPINGS = ["operation", "service", "kind"] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** The spans of one group; durations are nanoseconds. */
export interface Statistics {
  /** "" where the group is of more than one service. */
  readonly service: string;
  /** The operation or the kind, "" for a service. */
  readonly name: string;
  readonly count: number;
  readonly errors: number;
  readonly total: number;
  readonly self: number;
  /** Of the self time of the whole trace, 0 to 1. */
  readonly share: number;
  readonly average: number;
  readonly median: number;
  readonly p95: number;
  readonly longest: number;
}

/** One line a group, in no order. */
export function summarise(trace: Trace, work: Work, by: Grouping): Statistics[] {
  const { of, first } = groupRows(trace, by);
  const count = first.length;
  const [spans, errors] = [new Int32Array(count), new Int32Array(count)];
  const [total, self] = [new Float64Array(count), new Float64Array(count)];
  let all = 0;
  for (let r = 0; r < trace.size; r++) {
    const g = of[r]!;
    spans[g]!++;
    if (trace.status[r] === ERROR) errors[g]!++;
    total[g]! += trace.duration[r]!;
    self[g]! += work.self[r]!;
    all += work.self[r]!;
  }
  const durations = sortedByGroup(trace.duration, of, spans);
  return first.map((row, g) => {
    const own = durations[g]!;
    const quantile = (q: number) => own[Math.ceil(q * own.length) - 1]!;
    return {
      service: by === "kind" ? "" : serviceOf(trace, row),
      name: by === "operation" ? nameOf(trace, row) : by === "kind" ? (KINDS[trace.kind[row]!] ?? "") : "",
      count: spans[g]!,
      errors: errors[g]!,
      total: total[g]!,
      self: self[g]!,
      share: all > 0 ? self[g]! / all : 0,
      average: total[g]! / spans[g]!,
      median: quantile(0.5),
      p95: quantile(0.95),
      longest: quantile(1),
    };
  });
}

/** The group of each row, and the first row of each group. */
function groupRows(trace: Trace, by: Grouping): { of: Int32Array; first: number[] } {
  const { name } = trace.columns.spans;
  const services = trace.services.length;
  const keyOf = {
    service: (r: number) => trace.service[r]!,
    kind: (r: number) => trace.kind[r]!,
    operation: (r: number) => name[trace.source[r]!]! * services + trace.service[r]!,
  }[by];
  const of = new Int32Array(trace.size);
  const first: number[] = [];
  const groups = new Map<number, number>();
  for (let r = 0; r < trace.size; r++) {
    const key = keyOf(r);
    let g = groups.get(key);
    if (g === undefined) {
      g = first.push(r) - 1;
      groups.set(key, g);
    }
    of[r] = g;
  }
  return { of, first };
}

/** The values of each group, ascending. */
function sortedByGroup(values: Float64Array, of: Int32Array, counts: Int32Array): Float64Array[] {
  const groups = Array.from(counts, (count) => new Float64Array(count));
  const next = new Int32Array(counts.length);
  for (let r = 0; r < values.length; r++) groups[of[r]!]![next[of[r]!]!++] = values[r]!;
  for (const group of groups) group.sort();
  return groups;
}
