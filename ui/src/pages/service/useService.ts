// The figures of a service, now, before and over time.

import { useMemo } from "react";
import { useAnalysis } from "../../api/queries";
import { standOf } from "../../api/red";
import {
  countsBy,
  countsOf,
  durationsBy,
  ENTRY,
  intervalsOf,
  ofService,
  QUANTILES,
  quantilesOf,
  ratesOf,
  redBy,
  sharesOf,
  spansWith,
} from "../../model/red";
import type { CompareTime } from "../../state/against";

/** The entry spans of a service as a query. */
export const entriesOf = (service: string) => spansWith(ofService(service), ENTRY);

export function useService(service: string, time: CompareTime) {
  const { ready, now, base, grid } = time;
  const counts = countsOf(entriesOf(service));
  const quantiles = quantilesOf(entriesOf(service), QUANTILES);
  const range = { ...now, step: grid.stepName };
  const countsOver = useAnalysis("range", { q: counts, ...range }, ready);
  const durations = useAnalysis("range", { q: quantiles, ...range }, ready);
  const inAll = useAnalysis("instant", { q: quantiles, ...now }, ready);
  const baseCounts = useAnalysis("instant", { q: counts, ...base }, ready);
  const baseInAll = useAnalysis("instant", { q: quantiles, ...base }, ready);
  const { to } = time.windows;
  const over = useMemo(() => {
    const all = countsBy(countsOver.data, []).get("") ?? { all: [], errors: [] };
    const intervals = intervalsOf(countsOver.data, to);
    const good = all.all.map((n, i) => n - all.errors[i]!);
    return {
      intervals,
      ok: ratesOf(good, intervals),
      failed: ratesOf(all.errors, intervals),
      shares: sharesOf(all),
      durations: QUANTILES.map((q) => durationsBy(durations.data, [], q).get("") ?? []),
    };
  }, [countsOver.data, durations.data, to]);
  return {
    ...over,
    now: redBy(countsBy(countsOver.data, []), inAll.data, []).get(""),
    before: redBy(countsBy(baseCounts.data, []), baseInAll.data, []).get(""),
    ...standOf([countsOver, durations, inAll, baseCounts, baseInAll]),
  };
}
