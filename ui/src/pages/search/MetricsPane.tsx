// A metrics query: how far it is, and its series.

import { useState } from "react";
import type { MetricsResult } from "../../api/analysis";
import { queryClient, useAnalysis, useStatus } from "../../api/queries";
import { millisToNanos, nanosToMillis } from "../../base/format";
import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import { Empty, Failure } from "../../components/Notice";
import { csv, seriesTable } from "../../model/csv";
import { windowsOf } from "../../state/against";
import { fileName, saveFile } from "../../state/download";
import { gridOf, useTime } from "../../state/time";
import { Metrics } from "./Metrics";
import { Running, readText, readTitle } from "./SearchState";

/** Intervals on the chart. */
const COLUMNS = 120;

/** The series of a metrics query, in the range of the page. */
export function useMetrics(query: string, enabled: boolean) {
  const time = useTime();
  // An open range begins with the first span.
  const open = time.range === "all";
  const status = useStatus(undefined, enabled && open);
  const first = status.data?.minSpanStartUnixNano;
  const grid = gridOf(time, COLUMNS, first ? nanosToMillis(first) : undefined);
  // It ends now, not with an interval, so that a rate is one of the time that has been.
  const { from, to } = windowsOf(grid, time.at, "hour");
  const asked = {
    q: query,
    start: millisToNanos(from),
    end: millisToNanos(to),
    step: grid.stepName,
    explain: "true",
  };
  const series = useAnalysis("range", asked, enabled && !(open && status.isPending));
  const [stopped, setStopped] = useState<string>();
  const key = JSON.stringify(asked);
  return {
    series,
    /** Until when there can be spans, in Unix milliseconds. */
    to,
    cancelled:
      stopped === key && !series.isFetching && (series.data === undefined || series.isPlaceholderData),
    run: () => {
      setStopped(undefined);
      void series.refetch();
    },
    cancel: () => {
      setStopped(key);
      void queryClient.cancelQueries({ queryKey: ["range", asked] });
    },
  };
}

export function MetricsPane({ query, asked }: { query: string; asked: ReturnType<typeof useMetrics> }) {
  const { data, error, isFetching, isPlaceholderData } = asked.series;
  const words = text.search;
  const parts = asked.cancelled
    ? [words.cancelled]
    : error
      ? [words.notRun]
      : data
        ? [words.metrics.found(data.series.length), ...readText(data.stats, data.explain?.readBytes)]
        : [];
  const partial = data && !data.stats.complete && !isFetching;
  return (
    <>
      <div className="state-row">
        {isFetching ? (
          <Running />
        ) : (
          <p
            className={partial ? "state-line partial" : "state-line"}
            role="status"
            title={data && readTitle(data.stats)}
          >
            {parts.join(" · ")}
          </p>
        )}
        <span className="spring" />
        {data && !isPlaceholderData && data.series.length > 0 && (
          <button type="button" title={words.download.series} onClick={() => saveSeries(data)}>
            <Icon name="download" />
            CSV
          </button>
        )}
      </div>
      {error?.problem.status === 400 ? (
        <Empty title={words.badQuery}>
          <p>{words.badQueryHint}</p>
        </Empty>
      ) : error ? (
        <Failure error={error} onRetry={asked.run} />
      ) : (
        data && <Metrics query={query} result={data} until={asked.to} old={isPlaceholderData} />
      )}
    </>
  );
}

/** Gives the reader the series as a file, which says if they are of a part of the spans. */
function saveSeries(result: MetricsResult): void {
  const { complete, incompleteReason } = result.stats;
  const note = complete ? [] : [[`# ${text.search.partial(incompleteReason ?? "")}`]];
  const table = [...seriesTable(result, text.search.metrics.all), ...note];
  saveFile(fileName("series", "csv"), "text/csv;charset=utf-8", csv(table));
}
