import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api/client";
import type { LoggedQuery } from "../../api/types";
import {
  formatBytes,
  formatCount,
  formatDateTime,
  formatDuration,
  formatExact,
  nanosToMillis,
} from "../../base/format";
import { text } from "../../base/strings";
import { Link } from "../../components/Header";
import { SortHead } from "../../components/SortHead";
import { matchingQueries, timesOf, traceQLOf } from "../../model/queryLog";
import { readOrder, sorted } from "../../model/sorting";
import { exactRange } from "../../state/range";
import { searchPath, useLocation } from "../../state/router";

const COLUMNS = ["time", "elapsed", "waited", "spans", "read", "matched"] as const;

/** The log holds more than anybody reads at once. */
const MOST = 100;

const figureOf = (q: LoggedQuery, column: string): number => {
  switch (column) {
    case "elapsed":
      return Number(q.elapsedNanos);
    case "waited":
      return Number(q.waitedNanos);
    case "spans":
      return q.scannedSpans;
    case "read":
      return q.readBytes;
    case "matched":
      return q.matchedSpans || q.matchedTraces;
    default:
      return nanosToMillis(q.startTimeUnixNano);
  }
};

/** The latest queries of all APIs and what they cost. */
export function QueryLog() {
  const asked = useQuery({
    queryKey: ["queries"],
    queryFn: ({ signal }) => api.queries(signal),
    refetchInterval: 10_000,
  });
  const { params } = useLocation();
  const [typed, setTyped] = useState("");
  const written = params.get("sort") ?? "-time";
  const order = readOrder(COLUMNS.some((c) => c === written.replace(/^-/, "")) ? written : "-time");
  const fitting = matchingQueries(asked.data ?? [], typed);
  const rows = sorted(
    fitting,
    order.down,
    (q) => figureOf(q, order.column),
    (q) => q.startTimeUnixNano,
  ).slice(0, MOST);
  return (
    <section className="query-log">
      <div className="status-head">
        <h2>{text.status.queries.title}</h2>
        <input
          type="search"
          value={typed}
          placeholder={text.status.queries.filter}
          aria-label={text.status.queries.filter}
          onChange={(event) => setTyped(event.target.value)}
        />
        <span className="muted num">{text.status.queries.count(rows.length, fitting.length)}</span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <section className="status-scroll" aria-label={text.status.queries.title} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{text.status.queries.query}</th>
              {COLUMNS.map((column) => (
                <SortHead
                  key={column}
                  column={column}
                  name={text.status.queries.columns[column]}
                  order={order}
                  param="sort"
                />
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((q, i) => (
              <Row key={`${q.startTimeUnixNano} ${i}`} query={q} />
            ))}
          </tbody>
        </table>
      </section>
      {asked.data && rows.length === 0 && <p className="muted">{text.status.queries.none}</p>}
    </section>
  );
}

function Row({ query }: { query: LoggedQuery }) {
  const traceQL = traceQLOf(query.text);
  const times = timesOf(query.text);
  const failed = !/^(2|OK|grpc OK|grpc 0)/.test(query.status);
  return (
    <tr>
      <td className="query-cell">
        {traceQL ? (
          <span title={traceQL.includes("?") ? text.status.queries.marks : undefined}>
            <Link to={searchPath(traceQL, times && exactRange(times.from, times.to))} className="mono">
              {traceQL}
            </Link>
          </span>
        ) : (
          <span className="mono" title={query.text}>
            {query.text}
          </span>
        )}
        <small className="muted">
          {query.route} · {query.client}
          {failed && <em> · {query.status}</em>}
          {!query.complete && query.incompleteReason && <em> · {query.incompleteReason}</em>}
        </small>
      </td>
      <td className="figure num">{formatDateTime(nanosToMillis(query.startTimeUnixNano))}</td>
      <td className="figure num">{formatDuration(Number(query.elapsedNanos))}</td>
      <td className="figure num muted">{formatDuration(Number(query.waitedNanos))}</td>
      <td className="figure num" title={formatExact(query.scannedSpans)}>
        {formatCount(query.scannedSpans)}
      </td>
      <td className="figure num">{formatBytes(query.readBytes)}</td>
      <td className="figure num">{formatCount(query.matchedSpans || query.matchedTraces)}</td>
    </tr>
  );
}
