// The failures of a trace for the list of errors: where each began, alike ones together.

import { failureOf } from "./cause";
import { type Errors, errorMessage, ORIGIN } from "./errors";
import type { Trace } from "./trace";

export interface FailureGroup {
  /** The first of them, with its chain of callers. */
  readonly origin: number;
  readonly chain: readonly number[];
  readonly count: number;
  /** Whether the call was made again and then succeeded. */
  readonly recovered: boolean;
}

/** Origins of one service, operation and message are one group; the groups are in order of their first start. */
export function groupFailures(trace: Trace, errors: Errors): FailureGroup[] {
  const { name } = trace.columns.spans;
  const groups = new Map<string, { origin: number; count: number }>();
  const byStart = errors.failed
    .filter((r) => errors.mark[r] === ORIGIN)
    .sort((a, b) => trace.start[a]! - trace.start[b]! || a - b);
  for (const origin of byStart) {
    const key = `${trace.service[origin]} ${name[trace.source[origin]!]} ${errorMessage(trace, origin)}`;
    const group = groups.get(key);
    if (group) group.count++;
    else groups.set(key, { origin, count: 1 });
  }
  return [...groups.values()].map(({ origin, count }) => {
    const { chain, recovered } = failureOf(trace, origin);
    return { origin, chain, count, recovered };
  });
}
