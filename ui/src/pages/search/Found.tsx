// What was found or, where that is nothing, why and what to do.

import { text } from "../../base/strings";
import { Link } from "../../components/Header";
import { Empty, Failure } from "../../components/Notice";
import { wider } from "../../state/range";
import { searchPath } from "../../state/router";
import type { Search } from "../../state/search";

export function Found(props: {
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
