// What the panel of differences compares: the spans of the query, or of a region of the plot, with others.

import { useAnalysis } from "../../api/queries";
import { millisToNanos } from "../../base/format";
import { basesOf, inRegion, parseRegion, printRegion, type Region } from "../../model/compare";
import { parseClauses } from "../../model/query";
import { setParams, useLocation } from "../../state/router";

/** The value of `diff` in the URL for all that the query selects. */
const WHOLE = "query";

/** Whether the panel is open, and the region that it is about. */
export function useDifferentPlace() {
  const diff = useLocation().params.get("diff") ?? "";
  return {
    open: diff !== "",
    region: parseRegion(diff),
    show: (region?: Region) => setParams({ diff: region ? printRegion(region) : WHOLE, base: "" }),
    hide: () => setParams({ diff: "", base: "" }),
  };
}

const nanos = (millis: number | undefined) => (millis === undefined ? undefined : millisToNanos(millis));

/** The comparison of a query, within the searched window in Unix milliseconds. */
export function useDifferent(query: string, window: { from: number | undefined; to: number | undefined }) {
  const { region } = useDifferentPlace();
  const base = useLocation().params.get("base") ?? "0";
  const bases = region ? [query] : basesOf(query);
  const against = Math.min(bases.length - 1, Math.max(0, Math.floor(Number(base)) || 0));
  const everything = !region && parseClauses(query)?.length === 0;
  const asked = useAnalysis(
    "comparison",
    {
      q: region ? inRegion(query, region) : query,
      start: nanos(region?.from ?? window.from),
      end: nanos(region?.to ?? window.to),
      base: bases[against] || undefined,
      // The others of a region are those of the whole search.
      baseStart: region && (nanos(window.from) ?? "0"),
      baseEnd: region && nanos(window.to ?? Date.UTC(2200, 0)),
      limit: 400,
    },
    !everything,
  );
  return { asked, bases, against, everything, region };
}
