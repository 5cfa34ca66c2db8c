// What a search found: its state, the plots, the list, and what is different about it.

import { type ReactNode, useEffect, useRef, useState } from "react";
import { text } from "../../base/strings";
import { inRegion, type Region } from "../../model/compare";
import { narrowed } from "../../model/pipeline";
import type { Clause } from "../../model/query";
import { exactRange } from "../../state/range";
import { setParams } from "../../state/router";
import type { useSearch } from "../../state/search";
import { useTime } from "../../state/time";
import { useNow } from "../../state/window";
import { Different } from "./Different";
import { Download } from "./Download";
import { Found } from "./Found";
import { Histogram } from "./Histogram";
import type { Picks } from "./Picks";
import { ResultList } from "./ResultList";
import { Scatter } from "./Scatter";
import { PlotNote, StateLine } from "./SearchState";
import { SpanList } from "./SpanList";
import { useDifferentPlace } from "./useDifferent";

export function SearchPane(props: {
  query: string;
  found: ReturnType<typeof useSearch>;
  asSpans: boolean;
  columns: readonly string[];
  onRemove: (column: string) => void;
  picks: Picks;
  onQuery: (query: string) => void;
  /** What stands beside the state: what is common to all kinds of results. */
  children: ReactNode;
}) {
  const { query, asSpans, columns, onRemove, picks } = props;
  const { search, request, run, more, renew } = props.found;
  const { range, refresh, at } = useTime();
  const [marked, setMarked] = useState<string>();
  const now = useNow(refresh > 0 ? 1000 : 10_000);
  const different = useDifferentPlace();
  const seen = useRef(at);
  useEffect(() => {
    if (seen.current === at) return;
    seen.current = at;
    void renew();
  }, [at, renew]);
  const narrow = (region: Region) =>
    setParams({ q: inRegion(query, region), range: exactRange(region.from, region.to), diff: "" });
  const narrowBy = (clauses: readonly Clause[]) => props.onQuery(narrowed(query, clauses));
  const listed = {
    results: search.results,
    columns,
    onRemove,
    loadingMore: search.loadingMore,
    onMore: more,
    onMark: setMarked,
  };
  return (
    <>
      <div className="state-row">
        <StateLine search={search} />
        <PlotNote search={search} />
        <span className="spring" />
        {props.children}
        <Download request={request} asSpans={asSpans} columns={columns} />
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
            {asSpans ? (
              <SpanList key={`${range} ${query}`} {...listed} />
            ) : (
              <ResultList
                key={`${range} ${query}`}
                query={query}
                picked={picks.picked}
                onPick={picks.pick}
                now={now}
                {...listed}
              />
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
  );
}
