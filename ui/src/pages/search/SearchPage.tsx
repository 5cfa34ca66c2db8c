import { useEffect, useState } from "react";
import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import { isMetrics, selecting } from "../../model/pipeline";
import { SPANS_OF_A_TRACE } from "../../model/spanrows";
import { remember, withRun } from "../../state/remembered";
import { setParams, useLocation } from "../../state/router";
import { useSearch } from "../../state/search";
import { useEscape, useShortcuts } from "../../state/shortcuts";
import { useTail } from "../../state/tail";
import { useTime } from "../../state/time";
import { AddColumn, useColumns } from "./Columns";
import { MetricsPane, useMetrics } from "./MetricsPane";
import { PickBar, usePicks } from "./Picks";
import { QueryForm } from "./QueryForm";
import { QueryLine } from "./QueryLine";
import { Remembered } from "./Remembered";
import { SearchPane } from "./SearchPane";
import { TailPane } from "./TailPane";

const VIEWS = ["traces", "spans", "tail"] as const;
type View = (typeof VIEWS)[number];

/** Search: a query, a time range, and the traces found. */
export default function SearchPage() {
  const { params } = useLocation();
  const query = params.get("q") ?? "";
  const { range } = useTime();
  const [typed, setTyped] = useState(query);
  const metrics = isMetrics(query);
  const view = VIEWS.find((v) => v === params.get("view")) ?? "traces";
  const columns = useColumns(view === "spans" ? "spans" : "traces");
  const told = [...new Set([...(view === "spans" ? ["status"] : []), ...columns.columns])];
  const spans = view === "spans" || told.length > 0 ? SPANS_OF_A_TRACE : undefined;
  const asked = metrics ? query : selecting(query, told);
  const found = useSearch(asked, range, {
    ...(spans && { spans }),
    enabled: !metrics && view !== "tail",
  });
  const following = useTail(asked, spans, !metrics && view === "tail");
  const series = useMetrics(query, metrics);
  const picks = usePicks();
  useEffect(() => setTyped(query), [query]);
  useEffect(() => {
    document.title = `${text.search.title} · ${text.product}`;
    sessionStorage.setItem("kiseki.results", window.location.pathname + window.location.search);
  });
  const { search } = found;
  const running = metrics ? series.series.isFetching : view !== "tail" && search.running;
  const cancel = metrics ? series.cancel : found.cancel;
  useEscape(running, cancel);

  const runQuery = (text: string) => {
    const q = /^\s*(\{\s*\})?\s*$/.test(text) ? "" : text.trim();
    setTyped(q);
    remember((all) => withRun(all, q));
    if (q !== query) setParams({ q });
    else if (metrics) series.run();
    else if (view === "tail") following.run();
    else found.run();
  };
  useShortcuts({ r: () => runQuery(typed) });
  const failure = metrics ? series.series.error : view === "tail" ? following.error : search.error;
  const queryError = failure?.problem.status === 400 ? failure : undefined;
  const choices = (
    <>
      <PickBar picks={picks} />
      <AddColumn key={view} {...columns} />
      <Views view={view} />
    </>
  );
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
      ) : view === "tail" ? (
        <TailPane
          query={query}
          following={following}
          columns={columns.columns}
          onRemove={columns.remove}
          picks={picks}
        >
          {choices}
        </TailPane>
      ) : (
        <SearchPane
          query={query}
          found={found}
          asSpans={view === "spans"}
          columns={columns.columns}
          onRemove={columns.remove}
          picks={picks}
          onQuery={runQuery}
        >
          {choices}
        </SearchPane>
      )}
    </main>
  );
}

/** Whether the results are traces or spans, found or followed. */
function Views({ view }: { view: View }) {
  const words = text.search.views;
  return (
    <fieldset className="views" aria-label={words.label}>
      {VIEWS.map((v) => (
        <button
          key={v}
          type="button"
          aria-pressed={v === view}
          title={v === "tail" ? words.tailHint : undefined}
          onClick={() => setParams({ view: v === "traces" ? "" : v })}
        >
          {words[v]}
        </button>
      ))}
    </fieldset>
  );
}
