// The rate, errors and durations of groups of spans, now and before: one table's worth of questions.

import { useMemo } from "react";
import {
  type Counts,
  countsBy,
  countsOf,
  durationsBy,
  fieldsOf,
  intervalsOf,
  QUANTILES,
  quantilesOf,
  type Red,
  ratesOf,
  redBy,
  sharesOf,
} from "../model/red";
import type { CompareTime } from "../state/against";
import type { ApiError } from "./client";
import { useAnalysis } from "./queries";
import type { Stats } from "./types";

/** A group of spans with its figures, and how they went. */
export interface RedGroup {
  readonly key: string;
  /** The values of the fields that it is by. */
  readonly fields: readonly string[];
  readonly now: Red | undefined;
  readonly before: Red | undefined;
  readonly counts: readonly number[];
  readonly rates: readonly (number | null)[];
  readonly shares: readonly (number | null)[];
  readonly p95s: readonly (number | null)[];
}

interface Asking {
  readonly data: { readonly stats: Stats } | undefined;
  readonly error: ApiError | null;
  readonly isPending: boolean;
  readonly refetch: () => unknown;
}

/** Where several questions of one part of a page stand; the first is what there must be. */
export const standOf = (asked: readonly Asking[]) => ({
  pending: asked[0]!.isPending,
  error: asked.find((a) => a.error)?.error ?? undefined,
  /** Why an answer is not of all spans. */
  partial: asked.find((a) => a.data?.stats.complete === false)?.data?.stats.incompleteReason,
  retry: () => {
    for (const a of asked) if (a.error) void a.refetch();
  },
});

export interface Wanted {
  /** The figures before. */
  readonly before?: boolean;
  /** The 95th percentile over time. */
  readonly p95s?: boolean;
}

/** The figures of the spans of a query by fields. */
export function useRed(
  spans: string,
  by: readonly string[],
  time: CompareTime,
  { before = false, p95s = false }: Wanted,
) {
  const { ready, now, base, grid } = time;
  const range = { ...now, step: grid.stepName };
  const quantilesQuery = quantilesOf(spans, QUANTILES, ...by);
  const counts = useAnalysis("range", { q: countsOf(spans, ...by), ...range }, ready);
  const quantiles = useAnalysis("instant", { q: quantilesQuery, ...now }, ready);
  const p95Over = useAnalysis("range", { q: quantilesOf(spans, [0.95], ...by), ...range }, ready && p95s);
  const baseCounts = useAnalysis("instant", { q: countsOf(spans, ...by), ...base }, ready && before);
  const baseQuantiles = useAnalysis("instant", { q: quantilesQuery, ...base }, ready && before);
  const fields = by.join();
  const { to } = time.windows;
  const groups = useMemo(() => {
    const by = fields === "" ? [] : fields.split(",");
    const over = countsBy(counts.data, by);
    const reds = redBy(over, quantiles.data, by);
    const was = redBy(countsBy(baseCounts.data, by), baseQuantiles.data, by);
    const durations = durationsBy(p95Over.data, by, 0.95);
    const intervals = intervalsOf(counts.data, to);
    return [...new Set([...reds.keys(), ...was.keys()])].map((key): RedGroup => {
      const c: Counts = over.get(key) ?? { all: [], errors: [] };
      return {
        key,
        fields: fieldsOf(key),
        now: reds.get(key),
        before: was.get(key),
        counts: c.all,
        rates: ratesOf(c.all, intervals),
        shares: sharesOf(c),
        p95s: durations.get(key) ?? [],
      };
    });
  }, [counts.data, quantiles.data, p95Over.data, baseCounts.data, baseQuantiles.data, fields, to]);
  return {
    groups,
    intervals: intervalsOf(counts.data, to),
    /** Whether the figures before are known. */
    compared: !baseCounts.isPending && !counts.isPending,
    ...standOf([counts, quantiles, p95Over, baseCounts, baseQuantiles]),
  };
}
