// The figures of calls in words.

import { formatDuration, formatRate, formatShare } from "../../base/format";
import { type Calls, latencyOf, share } from "../../model/graph";

export const rateOf = (count: number, seconds: number) => formatRate(count / seconds);

export const errorsOf = (c: { readonly count: number; readonly errors: number }) =>
  formatShare(share(c.errors, c.count));

/** A quantile of how long the calls take; "–" where nothing is known. */
export function quantileOf(c: Calls, name: "p50Nanos" | "p90Nanos" | "p99Nanos"): string {
  const latency = latencyOf(c);
  return latency ? formatDuration(Number(latency[name])) : "–";
}

/** The one line on an edge. */
export function lineOf(c: Calls, seconds: number): string {
  if (c.count === 0) return "–";
  const parts = [rateOf(c.count, seconds)];
  if (c.errors > 0) parts.push(errorsOf(c));
  if (latencyOf(c)) parts.push(quantileOf(c, "p90Nanos"));
  return parts.join(" · ");
}
