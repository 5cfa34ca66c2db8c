import { useEffect, useRef, useState } from "react";
import { formatExact, queryDuration } from "../../base/format";
import { text } from "../../base/strings";
import { Link } from "../../components/Header";
import { Icon } from "../../components/Icon";
import { Empty, Failure } from "../../components/Notice";
import { withClause } from "../../model/query";
import { exactRange, wider } from "../../state/range";
import { searchPath, setParams, useLocation } from "../../state/router";
import { type Search, useSearch } from "../../state/search";
import { useShortcuts } from "../../state/shortcuts";
import { useTime } from "../../state/time";
import { useNow } from "../../state/window";
import { QueryForm } from "./QueryForm";
import { QueryLine } from "./QueryLine";
import { ResultList } from "./ResultList";
import { type Region, Scatter } from "./Scatter";

/** Search: a query, a time range, and the traces found. */
export default function SearchPage() {
  const { params } = useLocation();
  const query = params.get("q") ?? "";
  const { range, refresh, at } = useTime();
  const [typed, setTyped] = useState(query);
  const [marked, setMarked] = useState<string>();
  const now = useNow(refresh > 0 ? 1000 : 10_000);
  const { search, run, more, renew, cancel } = useSearch(query, range);
  useEffect(() => setTyped(query), [query]);
  useEffect(() => {
    document.title = `${text.search.title} · ${text.product}`;
    sessionStorage.setItem("kiseki.results", window.location.pathname + window.location.search);
  });
  const seen = useRef(at);
  useEffect(() => {
    if (seen.current === at) return;
    seen.current = at;
    void renew();
  }, [at, renew]);

  const runQuery = (text: string) => {
    const q = /^\s*(\{\s*\})?\s*$/.test(text) ? "" : text.trim();
    setTyped(q);
    if (q === query) run();
    else setParams({ q });
  };
  const onRegion = (region: Region) => {
    const least = withClause(query || "{}", {
      field: "duration",
      op: ">=",
      literal: queryDuration(region.least),
    });
    const q = withClause(least, { field: "duration", op: "<=", literal: queryDuration(region.most) });
    setParams({ q, range: exactRange(region.from, region.to) });
  };
  useShortcuts({ r: () => runQuery(typed) });
  const queryError = search.error?.problem.status === 400 ? search.error : undefined;
  return (
    <main id="main" className="search-page">
      <div className="search-bar">
        <QueryLine
          value={typed}
          error={typed === query ? queryError : undefined}
          onChange={setTyped}
          onRun={runQuery}
        />
        {search.running ? (
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
      <div className="state-row">
        <StateLine search={search} />
        <PlotNote search={search} />
      </div>
      <Found search={search} query={query} range={range} onRetry={run}>
        <Scatter search={search} marked={marked} onRegion={onRegion} />
        <ResultList
          key={`${range} ${query}`}
          results={search.results}
          query={query}
          now={now}
          loadingMore={search.loadingMore}
          onMore={more}
          onMark={setMarked}
        />
      </Found>
    </main>
  );
}

function StateLine({ search }: { search: Search }) {
  const { stats, traces, nextCursor } = search.results;
  const parts: string[] = [];
  if (search.running) parts.push(text.search.running);
  else if (search.cancelled) parts.push(text.search.cancelled);
  else if (search.error && stats === undefined) parts.push(text.search.notRun);
  else if (stats) {
    parts.push(text.search.traces(traces.length, nextCursor !== undefined));
    parts.push(stats.complete ? text.search.complete : text.search.partial(stats.incompleteReason ?? ""));
    parts.push(text.search.scanned(stats.scannedSpans, stats.totalSpans, Number(stats.elapsedNanos)));
  }
  const exact =
    stats && !search.running
      ? `${formatExact(stats.scannedSpans)} / ${formatExact(stats.totalSpans)}`
      : undefined;
  const tone = stats && !stats.complete && !search.running ? "state-line partial" : "state-line";
  return (
    <p className={search.running ? "state-line running" : tone} role="status" title={exact}>
      {parts.join(" · ")}
    </p>
  );
}

/** What the plot shows where it does not show every trace. */
function PlotNote({ search }: { search: Search }) {
  const { sample, results } = search;
  if (!sample || results.nextCursor === undefined || search.running) return null;
  const { step, most, cut, slices, done, failed, stopped } = sample;
  const parts: string[] = [];
  if (stopped) parts.push(text.search.sampleStopped(done - failed, slices));
  else if (done < slices) parts.push(text.search.sampling(done, slices));
  else if (cut) parts.push(text.search.sampled(most, step * 1e6));
  if (failed > 0 && !stopped) parts.push(text.search.sampleFailed(failed, slices));
  return (
    <p className="plot-note" title={cut ? text.search.sampledHint : undefined}>
      {parts.join(" · ")}
    </p>
  );
}

function Found(props: {
  search: Search;
  query: string;
  range: string;
  onRetry: () => void;
  children: React.ReactNode;
}) {
  const { search, query, range } = props;
  if (search.error && search.results.traces.length === 0) {
    if (search.error.problem.status === 400) {
      return (
        <Empty title={text.search.badQuery}>
          <p>{text.search.badQueryHint}</p>
          <div className="actions">
            <Link className="button" to={searchPath("", range)}>
              {text.search.dropFilter}
            </Link>
          </div>
        </Empty>
      );
    }
    return <Failure error={search.error} onRetry={props.onRetry} />;
  }
  if (search.results.traces.length > 0) return props.children;
  if (search.running || search.results.stats === undefined)
    return <div className="empty" aria-hidden="true" />;
  const next = wider(range);
  return (
    <Empty title={next ? text.search.empty : text.search.emptyAll}>
      {query && <p>{text.search.emptyHint}</p>}
      <div className="actions">
        {next && (
          <Link className="button" to={searchPath(query, next)}>
            {text.search.widen(text.time.ranges[next]!)}
          </Link>
        )}
        {next && next !== "all" && (
          <Link className="button" to={searchPath(query, "all")}>
            {text.search.widen(text.time.ranges.all!)}
          </Link>
        )}
        {query && (
          <Link className="button" to={searchPath("", range)}>
            {text.search.dropFilter}
          </Link>
        )}
      </div>
    </Empty>
  );
}
