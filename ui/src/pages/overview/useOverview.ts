// What the overview asks, and what it makes of the answers.

import { useMemo } from "react";
import { useAnalysis, useStatus } from "../../api/queries";
import { millisToNanos, nanosToMillis } from "../../base/format";
import { changesOf, type Pair } from "../../model/changes";
import {
  type Counts,
  countsBy,
  countsOf,
  durationsBy,
  ENTRY,
  QUANTILES,
  quantilesOf,
  ratesOf,
  redBy,
  SERVICE,
  sharesOf,
  spansWith,
} from "../../model/red";
import { secondsOf, useAgainst, windowsOf } from "../../state/against";
import { gridOf, useTime } from "../../state/time";

const COLUMNS = 40;
const ENTRIES = spansWith(ENTRY);
const COUNTS = countsOf(ENTRIES, SERVICE);
const ALL_QUANTILES = quantilesOf(ENTRIES, QUANTILES, SERVICE);
const P95 = quantilesOf(ENTRIES, [0.95], SERVICE);
const SPANS = `${spansWith()} | count_over_time() by (${SERVICE})`;

/** A service's row: its figures, and how they went. */
export interface Row extends Pair {
  /** Spans of any kind. */
  readonly spans: number;
  readonly rates: readonly (number | null)[];
  readonly shares: readonly (number | null)[];
  readonly p95s: readonly (number | null)[];
}

export function useOverview() {
  const time = useTime();
  const status = useStatus();
  const oldest = status.data?.minSpanStartUnixNano
    ? nanosToMillis(status.data.minSpanStartUnixNano)
    : time.at;
  const grid = gridOf(time, COLUMNS, oldest);
  const against = useAgainst(grid);
  const windows = windowsOf(grid, time.at, against);
  const now = { start: millisToNanos(windows.from), end: millisToNanos(windows.to) };
  const base = { start: millisToNanos(windows.baseFrom), end: millisToNanos(windows.baseTo) };
  const ready = !status.isPending;
  const counts = useAnalysis("range", { q: COUNTS, step: grid.stepName, ...now }, ready);
  const p95s = useAnalysis("range", { q: P95, step: grid.stepName, ...now }, ready);
  const quantiles = useAnalysis("instant", { q: ALL_QUANTILES, ...now }, ready);
  const spans = useAnalysis("instant", { q: SPANS, ...now }, ready);
  const baseCounts = useAnalysis("instant", { q: COUNTS, ...base }, ready);
  const baseQuantiles = useAnalysis("instant", { q: ALL_QUANTILES, ...base }, ready);
  const asked = [counts, p95s, quantiles, spans, baseCounts, baseQuantiles];

  const { from, to } = windows;
  const rows = useMemo(() => {
    const over = countsBy(counts.data, [SERVICE]);
    const reds = redBy(over, quantiles.data, [SERVICE]);
    const before = redBy(countsBy(baseCounts.data, [SERVICE]), baseQuantiles.data, [SERVICE]);
    const any = countsBy(spans.data, [SERVICE]);
    const durations = durationsBy(p95s.data, [SERVICE], 0.95);
    const names = new Set([...reds.keys(), ...before.keys(), ...any.keys()]);
    return [...names].map((service): Row => {
      const counts: Counts = over.get(service) ?? { all: [], errors: [] };
      return {
        service,
        now: reds.get(service),
        before: before.get(service),
        spans: any.get(service)?.all[0] ?? 0,
        rates: ratesOf(counts.all, { from, to, step: grid.step }),
        shares: sharesOf(counts),
        p95s: durations.get(service) ?? [],
      };
    });
  }, [
    counts.data,
    p95s.data,
    quantiles.data,
    spans.data,
    baseCounts.data,
    baseQuantiles.data,
    from,
    to,
    grid.step,
  ]);
  const nowSeconds = secondsOf(from, to, oldest);
  const beforeSeconds = secondsOf(windows.baseFrom, windows.baseTo, oldest);
  const hasBase = rows.some((row) => row.before);
  const changes = useMemo(
    () => (hasBase ? changesOf(rows, nowSeconds, beforeSeconds) : []),
    [rows, hasBase, nowSeconds, beforeSeconds],
  );
  return {
    rows,
    changes,
    against,
    windows,
    nowSeconds,
    beforeSeconds,
    hasBase,
    /** The figures before are known, so that what is shown beside the present ones is of the same services. */
    compared: !baseCounts.isPending && !counts.isPending,
    pending: counts.isPending,
    error: asked.find((a) => a.error)?.error ?? undefined,
    partial: asked.find((a) => a.data?.stats.complete === false)?.data?.stats.incompleteReason,
    retry: () => {
      for (const a of asked) if (a.error) void a.refetch();
    },
  };
}
