// A metrics query: how far it is, and its series.

import { useAnalysis } from "../../api/queries";
import { text } from "../../base/strings";
import { Empty, Failure } from "../../components/Notice";
import { gridOf, useTime } from "../../state/time";
import { Metrics } from "./Metrics";
import { scannedText } from "./SearchState";

/** Intervals on the chart. */
const COLUMNS = 120;

/** The series of a metrics query, in the range of the page. */
export function useMetrics(query: string, enabled: boolean) {
  const grid = gridOf(useTime(), COLUMNS);
  return useAnalysis("range", { q: query, start: grid.start, end: grid.end, step: grid.stepName }, enabled);
}

export function MetricsPane({ query, series }: { query: string; series: ReturnType<typeof useMetrics> }) {
  const { data, error, isFetching, isPlaceholderData } = series;
  const words = text.search;
  const parts = isFetching
    ? [words.running]
    : error
      ? [words.notRun]
      : data
        ? [words.metrics.found(data.series.length), ...scannedText(data.stats)]
        : [];
  const partial = data && !data.stats.complete && !isFetching;
  return (
    <>
      <div className="state-row">
        <p
          className={partial ? "state-line partial" : isFetching ? "state-line running" : "state-line"}
          role="status"
        >
          {parts.join(" · ")}
        </p>
      </div>
      {error?.problem.status === 400 ? (
        <Empty title={words.badQuery}>
          <p>{words.badQueryHint}</p>
        </Empty>
      ) : error ? (
        <Failure error={error} onRetry={() => void series.refetch()} />
      ) : (
        data && <Metrics query={query} result={data} old={isPlaceholderData} />
      )}
    </>
  );
}
