// The rate, errors and duration of services (RED): which spans count, and how they are read from series.
//
// They are those of entry spans: requests that a service answers, messages that it consumes, and what it begins by
// itself, such as a job or a click in a browser. What happens below these, calls to others included, is part of them.
// Counts are of metrics queries, so that a span that was sampled with probability p counts as 1/p.

import type { MetricsResult, Series } from "../api/analysis";
import { nanosToMillis } from "../base/format";
import { textOf } from "./detail";

/** The condition that entry spans satisfy. */
export const ENTRY = "(kind = server || kind = consumer || span:parentID = nil)";

export const SERVICE = "resource.service.name";

/** The condition that spans of a service satisfy; spans without a service's name are of the one named "". */
export const ofService = (service: string) =>
  service === "" ? `${SERVICE} = nil` : `${SERVICE} = ${JSON.stringify(service)}`;

/** The query for spans that satisfy all conditions. */
export const spansWith = (...conditions: readonly string[]) =>
  conditions.length === 0 ? "{}" : `{ ${conditions.join(" && ")} }`;

/** Metrics queries for RED figures of groups of spans. */
export const countsOf = (spans: string, ...by: readonly string[]) =>
  `${spans} | count_over_time() by (${[...by, "status"].join(", ")})`;
export const quantilesOf = (spans: string, quantiles: readonly number[], ...by: readonly string[]) =>
  `${spans} | quantile_over_time(duration, ${quantiles.join(", ")})${by.length > 0 ? ` by (${by.join(", ")})` : ""}`;

export const QUANTILES = [0.5, 0.95, 0.99] as const;

/** Rate, errors and durations of a group of spans; durations in nanoseconds, undefined where no span has one. */
export interface Red {
  readonly count: number;
  readonly errors: number;
  readonly p50?: number | undefined;
  readonly p95?: number | undefined;
  readonly p99?: number | undefined;
}

/** The share of spans that failed; 0 where there is none. */
export const errorShare = (red: Red) => (red.count > 0 ? red.errors / red.count : 0);

/** The text of a label; undefined where the spans lack the field. */
export function labelOf(series: Series, name: string): string | undefined {
  const value = series.labels.find((l) => l.name === name)?.value;
  return value == null ? undefined : textOf(value);
}

/** What tells a group apart: the values of the fields that it is by. */
export const keyOf = (series: Series, by: readonly string[]) =>
  by.map((field) => labelOf(series, field) ?? "").join("\u0000");

/** The fields' values of a key. */
export const fieldsOf = (key: string) => key.split("\u0000");

/** Counts of each group over time. */
export interface Counts {
  readonly all: number[];
  readonly errors: number[];
}

/** The counts over time of a query that `countsOf` wrote, by group. */
export function countsBy(result: MetricsResult | undefined, by: readonly string[]): Map<string, Counts> {
  const groups = new Map<string, Counts>();
  for (const series of result?.series ?? []) {
    const key = keyOf(series, by);
    let counts = groups.get(key);
    if (!counts) {
      const none = () => series.points.map(() => 0);
      counts = { all: none(), errors: none() };
      groups.set(key, counts);
    }
    const failed = labelOf(series, "status") === "error";
    series.points.forEach((n, i) => {
      counts.all[i]! += n ?? 0;
      if (failed) counts.errors[i]! += n ?? 0;
    });
  }
  return groups;
}

/** The durations over time of a quantile of a query that `quantilesOf` wrote, in nanoseconds, by group. */
export function durationsBy(
  result: MetricsResult | undefined,
  by: readonly string[],
  quantile: number,
): Map<string, (number | null)[]> {
  const groups = new Map<string, (number | null)[]>();
  for (const series of result?.series ?? []) {
    if (Number(labelOf(series, "p")) !== quantile) continue;
    groups.set(
      keyOf(series, by),
      series.points.map((s) => (s === null ? null : s * 1e9)),
    );
  }
  return groups;
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** The figures of each group: counts over all intervals, quantiles of an instant query. */
export function redBy(
  counts: ReadonlyMap<string, Counts>,
  quantiles: MetricsResult | undefined,
  by: readonly string[],
): Map<string, Red> {
  const [p50, p95, p99] = QUANTILES.map((q) => durationsBy(quantiles, by, q));
  const reds = new Map<string, Red>();
  for (const [key, { all, errors }] of counts) {
    const at = (durations: typeof p50) => durations?.get(key)?.[0] ?? undefined;
    reds.set(key, { count: sum(all), errors: sum(errors), p50: at(p50), p95: at(p95), p99: at(p99) });
  }
  return reds;
}

/** Where intervals begin and end, in Unix milliseconds. */
export interface Intervals {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** The intervals of an answer about the time until `to`; that of another question is taken as whole. */
export function intervalsOf(result: MetricsResult | undefined, to: number): Intervals {
  const from = nanosToMillis(result?.startTimeUnixNano ?? "0");
  const step = Number(result?.stepNanos ?? 0) / 1e6;
  const end = from + step * (result?.series[0]?.points.length ?? 0);
  return { from, step, to: to > end - step && to < end ? to : end };
}

/** An interval of which less than this share is over tells nothing of its rate yet. */
const LEAST = 0.25;

/** Counts a second in each interval; the last one may be shorter, and is left out while it has hardly begun. */
export function ratesOf(counts: readonly number[], time: Intervals): (number | null)[] {
  return counts.map((n, i) => {
    const begin = time.from + i * time.step;
    const length = Math.min(time.to, begin + time.step) - begin;
    return length < time.step * LEAST ? null : (n / length) * 1000;
  });
}

/** The share of errors in each interval; null where there was nothing that could fail. */
export const sharesOf = (counts: Counts): (number | null)[] =>
  counts.all.map((n, i) => (n > 0 ? counts.errors[i]! / n : null));
