import { useEffect, useRef, useState } from "react";
import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import { inRegion, type Region } from "../../model/compare";
import { isMetrics, narrowed, selecting } from "../../model/pipeline";
import type { Clause } from "../../model/query";
import { SPANS_OF_A_TRACE } from "../../model/spanrows";
import { exactRange } from "../../state/range";
import { remember, withRun } from "../../state/remembered";
import { setParams, useLocation } from "../../state/router";
import { useSearch } from "../../state/search";
import { useEscape, useShortcuts } from "../../state/shortcuts";
import { useTime } from "../../state/time";
import { useNow } from "../../state/window";
import { AddColumn, useColumns } from "./Columns";
import { Different } from "./Different";
import { Found } from "./Found";
import { Histogram } from "./Histogram";
import { MetricsPane, useMetrics } from "./MetricsPane";
import { QueryForm } from "./QueryForm";
import { QueryLine } from "./QueryLine";
import { Remembered } from "./Remembered";
import { ResultList } from "./ResultList";
import { Scatter } from "./Scatter";
import { PlotNote, StateLine } from "./SearchState";
import { SpanList } from "./SpanList";
import { useDifferentPlace } from "./useDifferent";

/** Search: a query, a time range, and the traces found. */
export default function SearchPage() {
  const { params } = useLocation();
  const query = params.get("q") ?? "";
  const { range, refresh, at } = useTime();
  const [typed, setTyped] = useState(query);
  const [marked, setMarked] = useState<string>();
  const now = useNow(refresh > 0 ? 1000 : 10_000);
  const metrics = isMetrics(query);
  const spans = params.get("view") === "spans" && !metrics;
  const { columns, add, remove } = useColumns();
  const asked = spans ? selecting(query, [...new Set(["status", ...columns])]) : query;
  const found = useSearch(asked, range, {
    ...(spans && { spans: SPANS_OF_A_TRACE }),
    enabled: !metrics,
  });
  const { search, run, more, renew } = found;
  const series = useMetrics(query, metrics);
  const running = metrics ? series.series.isFetching : search.running;
  const cancel = metrics ? series.cancel : found.cancel;
  useEscape(running, cancel);
  useEffect(() => setTyped(query), [query]);
  useEffect(() => {
    document.title = `${text.search.title} · ${text.product}`;
    sessionStorage.setItem("kiseki.results", window.location.pathname + window.location.search);
  });
  const seen = useRef(at);
  useEffect(() => {
    if (seen.current === at) return;
    seen.current = at;
    if (!metrics) void renew();
  }, [at, renew, metrics]);

  const runQuery = (text: string) => {
    const q = /^\s*(\{\s*\})?\s*$/.test(text) ? "" : text.trim();
    setTyped(q);
    remember((all) => withRun(all, q));
    if (q === query) metrics ? series.run() : run();
    else setParams({ q });
  };
  const narrow = (region: Region) =>
    setParams({ q: inRegion(query, region), range: exactRange(region.from, region.to), diff: "" });
  useShortcuts({ r: () => runQuery(typed) });
  const narrowBy = (clauses: readonly Clause[]) => runQuery(narrowed(query, clauses));
  const different = useDifferentPlace();
  const listed = {
    results: search.results,
    loadingMore: search.loadingMore,
    onMore: more,
    onMark: setMarked,
  };
  const error = (metrics ? series.series.error : search.error) ?? undefined;
  const queryError = error?.problem.status === 400 ? error : undefined;
  return (
    <main id="main" className="search-page">
      <div className="search-bar">
        <QueryLine
          value={typed}
          error={typed === query ? queryError : undefined}
          onChange={setTyped}
          onRun={runQuery}
        />
        <Remembered query={typed} onRun={runQuery} />
        {running ? (
          <button type="button" className="primary run" onClick={cancel}>
            <Icon name="stop" />
            {text.common.cancel}
          </button>
        ) : (
          <button type="button" className="primary run" onClick={() => runQuery(typed)}>
            <Icon name="search" />
            {text.search.run}
          </button>
        )}
      </div>
      <QueryForm typed={typed} query={queryError ? "" : query} onQuery={runQuery} />
      {metrics ? (
        <MetricsPane query={query} asked={series} />
      ) : (
        <>
          <div className="state-row">
            <StateLine search={search} />
            <PlotNote search={search} />
            <span className="spring" />
            {spans && <AddColumn columns={columns} onAdd={add} />}
            <Views spans={spans} />
            <button
              type="button"
              aria-pressed={different.open}
              title={text.search.different.openHint}
              onClick={() => (different.open ? different.hide() : different.show())}
            >
              {text.search.different.open}
            </button>
          </div>
          <div className="search-body">
            <div className="search-found">
              <Found search={search} query={query} range={range} onRetry={run}>
                <div className="plots">
                  <Scatter
                    search={search}
                    marked={marked}
                    region={different.region}
                    hint={different.open ? text.search.scatterCompare : text.search.scatterHint}
                    onRegion={different.open ? different.show : narrow}
                  />
                  <Histogram query={query} window={search} onClauses={narrowBy} />
                </div>
                {spans ? (
                  <SpanList key={`${range} ${query}`} columns={columns} onRemove={remove} {...listed} />
                ) : (
                  <ResultList key={`${range} ${query}`} query={query} now={now} {...listed} />
                )}
              </Found>
            </div>
            {different.open && (
              <Different
                query={query}
                window={search}
                onClause={(clause) => narrowBy([clause])}
                onRegion={narrow}
              />
            )}
          </div>
        </>
      )}
    </main>
  );
}

/** Whether the results are traces or spans. */
function Views({ spans }: { spans: boolean }) {
  const words = text.search.views;
  return (
    <fieldset className="views" aria-label={words.label}>
      <button type="button" aria-pressed={!spans} onClick={() => setParams({ view: "" })}>
        {words.traces}
      </button>
      <button type="button" aria-pressed={spans} onClick={() => setParams({ view: "spans" })}>
        {words.spans}
      </button>
    </fieldset>
  );
}
