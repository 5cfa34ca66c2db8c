import { useEffect, useRef, useState } from "react";
import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import { inRegion, type Region } from "../../model/compare";
import { narrowed } from "../../model/pipeline";
import { exactRange } from "../../state/range";
import { setParams, useLocation } from "../../state/router";
import { useSearch } from "../../state/search";
import { useShortcuts } from "../../state/shortcuts";
import { useTime } from "../../state/time";
import { useNow } from "../../state/window";
import { Different } from "./Different";
import { Found } from "./Found";
import { QueryForm } from "./QueryForm";
import { QueryLine } from "./QueryLine";
import { ResultList } from "./ResultList";
import { Scatter } from "./Scatter";
import { PlotNote, StateLine } from "./SearchState";
import { useDifferentPlace } from "./useDifferent";

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
  const narrow = (region: Region) =>
    setParams({ q: inRegion(query, region), range: exactRange(region.from, region.to), diff: "" });
  useShortcuts({ r: () => runQuery(typed) });
  const different = useDifferentPlace();
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
        <span className="spring" />
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
            <Scatter
              search={search}
              marked={marked}
              region={different.region}
              hint={different.open ? text.search.scatterCompare : text.search.scatterHint}
              onRegion={different.open ? different.show : narrow}
            />
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
        </div>
        {different.open && (
          <Different
            query={query}
            window={search}
            onClause={(clause) => runQuery(narrowed(query, [clause]))}
            onRegion={narrow}
          />
        )}
      </div>
    </main>
  );
}
