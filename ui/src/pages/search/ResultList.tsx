// The traces found: a list of any length of which only what is in sight is in the document.

import { type CSSProperties, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { TraceSummary } from "../../api/types";
import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import type { Results } from "../../state/results";
import { navigate, tracePath } from "../../state/router";
import { keepScroll, keptScroll } from "../../state/search";
import { useShortcuts } from "../../state/shortcuts";
import { useRowWindow, useSize } from "../../state/window";
import { ResultRow } from "./ResultRow";

const ROW = 52;
const ROW_NARROW = 76;

/** The list; `onMark` is told the trace that the keyboard or the pointer is on. */
export function ResultList(props: {
  results: Results;
  query: string;
  /** Fields of the spans found that are told too. */
  columns: readonly string[];
  onRemove: (column: string) => void;
  /** Traces that are chosen to be compared. */
  picked: readonly string[];
  onPick: (traceId: string) => void;
  now: number;
  loadingMore: boolean;
  onMore: () => void;
  onMark: (traceId: string | undefined) => void;
  /** Whether it is what arrives: then it has no end, and no place to come back to. */
  tailed?: boolean;
}) {
  const { results, onMark } = props;
  const { traces } = results;
  const scroller = useRef<HTMLDivElement>(null);
  const { width } = useSize(scroller);
  const row = width > 0 && width < 640 ? ROW_NARROW : ROW;
  const { first, last } = useRowWindow(scroller, traces.length, row);
  const [chosen, setChosen] = useState<string>();
  const at = chosen === undefined ? -1 : traces.findIndex((t) => t.traceId === chosen);
  useSteadyScroll(scroller, traces, row, props.tailed ?? false);

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
    x: () => at >= 0 && props.onPick(traces[at]!.traceId),
    Enter: () => at >= 0 && navigate(tracePath(traces[at]!.traceId)),
  });
  const scale = useMemo(() => durationScale(traces), [traces]);
  const showMatched = props.query !== "" && !/^\{\s*\}$/.test(props.query);
  return (
    <section
      className="results"
      aria-label={text.search.results}
      style={{ "--columns": `repeat(${props.columns.length}, minmax(60px, 140px))` } as CSSProperties}
      data-columns={props.columns.length > 0}
    >
      <Head columns={props.columns} log={scale.log} onRemove={props.onRemove} />
      <div
        className="result-scroll"
        ref={scroller}
        onScroll={(event) => props.tailed || keepScroll(event.currentTarget.scrollTop)}
      >
        <ol className="result-space" style={{ height: traces.length * row }}>
          {traces.slice(first, last).map((trace, i) => (
            <ResultRow
              key={trace.traceId}
              trace={trace}
              columns={props.columns}
              picked={props.picked.includes(trace.traceId)}
              onPick={props.onPick}
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
            traces.length > 20 && !props.tailed && <span className="muted">{text.search.end}</span>
          )}
        </div>
      </div>
    </section>
  );
}

function Head(props: { columns: readonly string[]; log: boolean; onRemove: (column: string) => void }) {
  const words = text.search.columns;
  return (
    <div className="result-head">
      <span>{words.trace}</span>
      <span>
        {words.duration}
        {props.log && <small> · {text.search.logScale}</small>}
      </span>
      {props.columns.map((column) => (
        <span key={column} className="result-column mono" title={column}>
          <span>
            <bdi>{column}</bdi>
          </span>
          <button
            type="button"
            className="ghost"
            onClick={() => props.onRemove(column)}
            aria-label={text.search.spans.removeColumn(column)}
          >
            <Icon name="close" />
          </button>
        </span>
      ))}
      <span>{words.spans}</span>
      <span>
        {words.start}
        <small> · {words.newest}</small>
      </span>
    </div>
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
  tailed: boolean,
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
    if (scroller.current && !tailed) scroller.current.scrollTop = keptScroll();
  }, [scroller, tailed]);
}
