// The service that the page is about, the times that it looks at, and its figures.

import { useMemo } from "react";
import { useAnalysis, useStatus } from "../../api/queries";
import { millisToNanos, nanosToMillis } from "../../base/format";
import {
  countsBy,
  countsOf,
  durationsBy,
  ENTRY,
  ofService,
  QUANTILES,
  quantilesOf,
  ratesOf,
  redBy,
  sharesOf,
  spansWith,
} from "../../model/red";
import { useAgainst, windowsOf } from "../../state/against";
import { gridOf, useTime } from "../../state/time";

const COLUMNS = 120;

/** The stretch of time of a page about a service, and the same in the API's terms. */
export function useServiceTime() {
  const time = useTime();
  const status = useStatus();
  const oldest = status.data?.minSpanStartUnixNano
    ? nanosToMillis(status.data.minSpanStartUnixNano)
    : time.at;
  const grid = gridOf(time, COLUMNS, oldest);
  const against = useAgainst(grid);
  const windows = windowsOf(grid, time.at, against);
  return {
    ready: !status.isPending,
    oldest,
    grid,
    against,
    windows,
    now: { start: millisToNanos(windows.from), end: millisToNanos(windows.to) },
    base: { start: millisToNanos(windows.baseFrom), end: millisToNanos(windows.baseTo) },
  };
}

export type ServiceTime = ReturnType<typeof useServiceTime>;

/** The entry spans of a service as a query. */
export const entriesOf = (service: string) => spansWith(ofService(service), ENTRY);

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** The figures of a service, now, before and over time. */
export function useService(service: string, time: ServiceTime) {
  const { grid, windows, ready } = time;
  const entries = entriesOf(service);
  const counts = useAnalysis("range", { q: countsOf(entries), step: grid.stepName, ...time.now }, ready);
  const durations = useAnalysis(
    "range",
    { q: quantilesOf(entries, QUANTILES), step: grid.stepName, ...time.now },
    ready,
  );
  const quantiles = useAnalysis("instant", { q: quantilesOf(entries, QUANTILES), ...time.now }, ready);
  const baseCounts = useAnalysis("instant", { q: countsOf(entries), ...time.base }, ready);
  const baseQuantiles = useAnalysis("instant", { q: quantilesOf(entries, QUANTILES), ...time.base }, ready);
  const asked = [counts, durations, quantiles, baseCounts, baseQuantiles];
  const { from, to } = windows;
  const over = useMemo(() => {
    const all = countsBy(counts.data, []).get("") ?? { all: [], errors: [] };
    const interval = { from, to, step: grid.step };
    return {
      count: sum(all.all),
      ok: ratesOf(
        all.all.map((n, i) => n - all.errors[i]!),
        interval,
      ),
      failed: ratesOf(all.errors, interval),
      shares: sharesOf(all),
      durations: QUANTILES.map((q) => durationsBy(durations.data, [], q).get("") ?? []),
    };
  }, [counts.data, durations.data, from, to, grid.step]);
  return {
    ...over,
    now: redBy(countsBy(counts.data, []), quantiles.data, []).get(""),
    before: redBy(countsBy(baseCounts.data, []), baseQuantiles.data, []).get(""),
    pending: counts.isPending,
    error: asked.find((a) => a.error)?.error ?? undefined,
    partial: asked.find((a) => a.data?.stats.complete === false)?.data?.stats.incompleteReason,
    retry: () => {
      for (const a of asked) if (a.error) void a.refetch();
    },
  };
}
