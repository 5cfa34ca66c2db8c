// A trace summed by service and operation.

import { ERROR, nameOf, serviceOf, type Trace } from "./trace";
import type { Work } from "./work";

export interface OperationStatistics {
  readonly service: string;
  readonly name: string;
  readonly count: number;
  readonly errors: number;
  /** Nanoseconds. */
  readonly self: number;
  readonly total: number;
  readonly median: number;
  readonly longest: number;
}

/** One line per service and operation, by self time, largest first. */
export function summarise(trace: Trace, work: Work): OperationStatistics[] {
  const groups = new Map<string, number[]>();
  const { name } = trace.columns.spans;
  for (let r = 0; r < trace.size; r++) {
    const key = `${trace.service[r]} ${name[trace.source[r]!]}`;
    const rows = groups.get(key);
    if (rows) rows.push(r);
    else groups.set(key, [r]);
  }
  return [...groups.values()].map((rows) => summariseRows(trace, work, rows)).sort((a, b) => b.self - a.self);
}

function summariseRows(trace: Trace, work: Work, rows: readonly number[]): OperationStatistics {
  const durations = Float64Array.from(rows, (r) => trace.duration[r]!).sort();
  const sum = (values: Float64Array) => rows.reduce((total, r) => total + values[r]!, 0);
  return {
    service: serviceOf(trace, rows[0]!),
    name: nameOf(trace, rows[0]!),
    count: rows.length,
    errors: rows.filter((r) => trace.status[r] === ERROR).length,
    self: sum(work.self),
    total: sum(trace.duration),
    median: durations[Math.floor((durations.length - 1) / 2)]!,
    longest: durations[durations.length - 1]!,
  };
}
