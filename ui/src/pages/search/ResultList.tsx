// The traces found: a list of any length of which only what is in sight is in the document.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { TraceSummary } from "../../api/types";
import { formatClock, formatDate, formatDuration, formatExact, nanosToMillis } from "../../base/format";
import { text } from "../../base/strings";
import { ErrorMark } from "../../components/Icon";
import { ServiceChip, Swatch } from "../../components/Service";
import type { Results } from "../../state/results";
import { navigate, tracePath, useLinkClick } from "../../state/router";
import { keepScroll, keptScroll } from "../../state/search";
import { useShortcuts } from "../../state/shortcuts";
import { useRowWindow, useSize } from "../../state/window";

const ROW = 52;
const ROW_NARROW = 76;
const MOST_CHIPS = 6;

/** The list; `onMark` is told the trace that the keyboard or the pointer is on. */
export function ResultList(props: {
  results: Results;
  query: string;
  now: number;
  loadingMore: boolean;
  onMore: () => void;
  onMark: (traceId: string | undefined) => void;
}) {
  const { results, onMark } = props;
  const { traces } = results;
  const scroller = useRef<HTMLDivElement>(null);
  const { width } = useSize(scroller);
  const row = width > 0 && width < 640 ? ROW_NARROW : ROW;
  const { first, last } = useRowWindow(scroller, traces.length, row);
  const [chosen, setChosen] = useState<string>();
  const at = chosen === undefined ? -1 : traces.findIndex((t) => t.traceId === chosen);
  useSteadyScroll(scroller, traces, row);

  const go = (to: number) => {
    const next = traces[Math.max(0, Math.min(traces.length - 1, to))];
    const list = scroller.current;
    if (!next || !list) return;
    setChosen(next.traceId);
    onMark(next.traceId);
    const top = traces.indexOf(next) * row;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + row > list.scrollTop + list.clientHeight) list.scrollTop = top + row - list.clientHeight;
  };
  useShortcuts({
    j: () => go(at + 1),
    ArrowDown: () => go(at + 1),
    k: () => go(Math.max(0, at - 1)),
    ArrowUp: () => go(Math.max(0, at - 1)),
    Enter: () => at >= 0 && navigate(tracePath(traces[at]!.traceId)),
  });
  const scale = useMemo(() => durationScale(traces), [traces]);
  const showMatched = props.query !== "" && !/^\{\s*\}$/.test(props.query);
  return (
    <section className="results" aria-label={text.search.results}>
      <div className="result-head" aria-hidden="true">
        <span>{text.search.columns.trace}</span>
        <span>
          {text.search.columns.duration}
          {scale.log && <small> · {text.search.logScale}</small>}
        </span>
        <span>{text.search.columns.spans}</span>
        <span>{text.search.columns.start}</span>
      </div>
      <div
        className="result-scroll"
        ref={scroller}
        onScroll={(event) => keepScroll(event.currentTarget.scrollTop)}
      >
        <ol className="result-space" style={{ height: traces.length * row }}>
          {traces.slice(first, last).map((trace, i) => (
            <ResultRow
              key={trace.traceId}
              trace={trace}
              top={(first + i) * row}
              height={row}
              share={scale.share(Number(trace.durationNanos))}
              now={props.now}
              chosen={trace.traceId === chosen}
              fresh={results.fresh.has(trace.traceId)}
              showMatched={showMatched}
              onMark={onMark}
            />
          ))}
        </ol>
        <div className="result-end">
          {results.nextCursor !== undefined ? (
            <button type="button" onClick={props.onMore} disabled={props.loadingMore}>
              {props.loadingMore ? text.common.loading : text.common.more}
            </button>
          ) : (
            traces.length > 20 && <span className="muted">{text.search.end}</span>
          )}
        </div>
      </div>
    </section>
  );
}

/** How long a duration's bar is, from 0 to 1: relative to the longest, on a log scale over more than two decades. */
function durationScale(traces: readonly TraceSummary[]): { log: boolean; share: (ns: number) => number } {
  let least = Number.POSITIVE_INFINITY;
  let most = 1;
  for (const trace of traces) {
    const ns = Math.max(1, Number(trace.durationNanos));
    least = Math.min(least, ns);
    most = Math.max(most, ns);
  }
  if (most / least < 100) return { log: false, share: (ns) => ns / most };
  // From half the least, so that the shortest has a bar too.
  const from = least / 2;
  return { log: true, share: (ns) => Math.log(Math.max(1, ns) / from) / Math.log(most / from) };
}

/** Keeps what is read where it is when rows come in above it, and comes back to where the list was left. */
function useSteadyScroll(
  scroller: { current: HTMLElement | null },
  traces: readonly TraceSummary[],
  row: number,
): void {
  const before = useRef<readonly TraceSummary[]>(traces);
  useLayoutEffect(() => {
    const list = scroller.current;
    const old = before.current;
    before.current = traces;
    if (!list || old === traces || list.scrollTop < row) return;
    const anchor = old[Math.floor(list.scrollTop / row)];
    if (!anchor) return;
    const now = traces.findIndex((t) => t.traceId === anchor.traceId);
    if (now >= 0) list.scrollTop += (now - Math.floor(list.scrollTop / row)) * row;
  }, [scroller, traces, row]);
  useEffect(() => {
    if (scroller.current) scroller.current.scrollTop = keptScroll();
  }, [scroller]);
}

/** Exporters send every 5 s, and a root ends last: until then its absence says nothing. */
const ARRIVING_MS = 15_000;

function ResultRow(props: {
  trace: TraceSummary;
  top: number;
  height: number;
  share: number;
  now: number;
  chosen: boolean;
  fresh: boolean;
  showMatched: boolean;
  onMark: (traceId: string | undefined) => void;
}) {
  const { trace } = props;
  const to = tracePath(trace.traceId);
  const onClick = useLinkClick(to);
  const start = nanosToMillis(trace.startTimeUnixNano);
  const failed = trace.errorCount > 0;
  return (
    <li style={{ top: props.top, height: props.height }} className={props.fresh ? "fresh" : undefined}>
      <a
        href={to}
        onClick={onClick}
        className={props.chosen ? "result chosen" : "result"}
        onPointerEnter={() => props.onMark(trace.traceId)}
        onPointerLeave={() => props.onMark(undefined)}
      >
        <span className="result-name">
          <Swatch name={trace.rootService} />
          <span className="service">{trace.rootService || text.common.noService}</span>
          <span className="operation">{trace.rootName || text.common.noName}</span>
          {trace.rootMissing &&
            (props.now - start < ARRIVING_MS ? (
              <span className="muted">{text.search.arriving}</span>
            ) : (
              <span className="tag">{text.search.rootMissing}</span>
            ))}
          {failed && <ErrorMark label={text.common.errors(trace.errorCount)} />}
        </span>
        <span className="result-services">
          {trace.services.slice(0, MOST_CHIPS).map((s) => (
            <ServiceChip key={s.name} name={s.name} count={s.spanCount} errors={s.errorCount} />
          ))}
          {trace.services.length > MOST_CHIPS && (
            <span className="muted">+{trace.services.length - MOST_CHIPS}</span>
          )}
        </span>
        <span className="result-duration">
          <span className="num">{formatDuration(Number(trace.durationNanos))}</span>
          <span className="track">
            <span
              className={failed ? "fill failed" : "fill"}
              style={{ width: `${Math.max(0.6, props.share * 100)}%` }}
            />
          </span>
        </span>
        <span className="result-spans num" title={formatExact(trace.spanCount)}>
          {text.common.spans(trace.spanCount)}
          <small>
            {failed && <em>{text.common.errors(trace.errorCount)}</em>}
            {failed && props.showMatched && " · "}
            {props.showMatched && text.search.matched(trace.matchedCount)}
          </small>
        </span>
        <span className="result-time num">
          {formatDate(start)} {formatClock(start)}
          <small>{text.common.ago(props.now - start)}</small>
        </span>
      </a>
    </li>
  );
}
