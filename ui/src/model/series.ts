// Series of a metrics query as lines and rows.

import type { Series } from "../api/analysis";
import { formatCount, formatDuration, formatRate } from "../base/format";
import { textOf } from "./detail";

/** The name of a series: the values of its labels, or of a lone one the value. */
export function seriesName(series: Series): string {
  const { labels } = series;
  const value = (i: number) => {
    const of = labels[i]!.value;
    return of ? textOf(of) : "nil";
  };
  if (labels.length === 1) return value(0);
  return labels.map((label, i) => `${label.name.replace(/^.*\./, "")}=${value(i)}`).join(" ");
}

export interface SeriesFigures {
  readonly last: number | null;
  readonly mean: number | null;
  readonly most: number | null;
}

/** What a series says in figures. The last interval is seldom whole, so the one before it counts as last. */
export function figuresOf({ points }: Series): SeriesFigures {
  const known = points.filter((p): p is number => p !== null);
  const whole = points.length > 1 ? points.slice(0, -1) : points;
  const last = whole.findLast((p) => p !== null) ?? null;
  if (known.length === 0) return { last, mean: null, most: null };
  return { last, mean: known.reduce((a, b) => a + b, 0) / known.length, most: Math.max(...known) };
}

/** Series with the greatest values first. */
export const bySize = (series: readonly Series[]): Series[] =>
  series.toSorted((a, b) => (figuresOf(b).mean ?? -1) - (figuresOf(a).mean ?? -1));

/** How the numbers of a metrics query read: durations are seconds, rates spans a second. */
export function formatOf(query: string): (value: number) => string {
  if (/[\w)]\s*\/\s*\(/.test(query)) return plain;
  if (
    /_over_time\s*\(\s*([\w:]*:)?(duration|traceDuration|timeSinceStart)\b/.test(query) &&
    !/histogram_/.test(query)
  )
    return (seconds) => formatDuration(seconds * 1e9);
  if (/\brate\s*\(/.test(query)) return formatRate;
  return plain;
}

const plain = (n: number) =>
  Math.abs(n) >= 1000 ? formatCount(Math.round(n)) : String(Number(n.toPrecision(3)));
