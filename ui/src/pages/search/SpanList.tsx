// The spans found as a table of which only what is in sight is in the document.

import { useMemo, useRef, useState } from "react";
import type { FoundSpan } from "../../api/types";
import { formatClockMillis, formatDate, formatDuration, formatExact, nanosToMillis } from "../../base/format";
import { text } from "../../base/strings";
import { ErrorMark, Icon } from "../../components/Icon";
import { Swatch } from "../../components/Service";
import { textOf } from "../../model/detail";
import { type SpanRow, spanRows } from "../../model/spanrows";
import type { Results } from "../../state/results";
import { navigate, tracePath, useLinkClick } from "../../state/router";
import { keepScroll } from "../../state/search";
import { useShortcuts } from "../../state/shortcuts";
import { useRowWindow } from "../../state/window";

const ROW = 28;

/** The table; `onMark` is told the trace of the row that the keyboard or the pointer is on. */
export function SpanList(props: {
  results: Results;
  columns: readonly string[];
  loadingMore: boolean;
  onMore: () => void;
  onRemove: (column: string) => void;
  onMark: (traceId: string | undefined) => void;
}) {
  const { results, columns, onMark } = props;
  const rows = useMemo(() => spanRows(results.traces), [results.traces]);
  const scroller = useRef<HTMLDivElement>(null);
  const { first, last } = useRowWindow(scroller, rows.length, ROW);
  const [chosen, setChosen] = useState(-1);
  const go = (to: number) => {
    const at = Math.max(0, Math.min(rows.length - 1, to));
    const list = scroller.current;
    if (!rows[at] || !list) return;
    setChosen(at);
    onMark(rows[at].trace.traceId);
    // The head sticks to the top and covers a row.
    const top = at * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + 2 * ROW > list.scrollTop + list.clientHeight)
      list.scrollTop = top + 2 * ROW - list.clientHeight;
  };
  useShortcuts({
    j: () => go(chosen + 1),
    ArrowDown: () => go(chosen + 1),
    k: () => go(Math.max(0, chosen - 1)),
    ArrowUp: () => go(Math.max(0, chosen - 1)),
    Enter: () => rows[chosen] && navigate(tracePath(rows[chosen].trace.traceId, rows[chosen].span.spanId)),
  });
  const grid = {
    gridTemplateColumns: `150px 130px minmax(180px, 2fr) 84px ${"minmax(110px, 1fr) ".repeat(columns.length)}`,
  };
  const width = 580 + columns.length * 126;
  return (
    <section className="results" aria-label={text.search.spans.found}>
      <div
        className="result-scroll"
        ref={scroller}
        onScroll={(event) => keepScroll(event.currentTarget.scrollTop)}
      >
        {/* biome-ignore lint/a11y/useSemanticElements: rows are placed, which rows of a table cannot be */}
        <div role="table" className="span-table" aria-rowcount={rows.length + 1} style={{ minWidth: width }}>
          <Head columns={columns} grid={grid} onRemove={props.onRemove} />
          {/* biome-ignore lint/a11y/useSemanticElements: see above */}
          <div role="rowgroup" className="result-space" style={{ height: rows.length * ROW }}>
            {rows.slice(first, last).map((row, i) => (
              <Row
                key={`${row.trace.traceId} ${row.span.spanId}`}
                row={row}
                index={first + i}
                columns={columns}
                grid={grid}
                chosen={first + i === chosen}
                onMark={onMark}
              />
            ))}
          </div>
        </div>
        <div className="result-end">
          {results.nextCursor !== undefined && (
            <button type="button" onClick={props.onMore} disabled={props.loadingMore}>
              {props.loadingMore ? text.common.loading : text.common.more}
            </button>
          )}
        </div>
      </div>
    </section>
  );
}

type GridStyle = { gridTemplateColumns: string };

function Head(props: { columns: readonly string[]; grid: GridStyle; onRemove: (column: string) => void }) {
  const { start, service, operation, duration } = text.search.spans;
  return (
    // biome-ignore lint/a11y/useSemanticElements: see SpanList
    // biome-ignore lint/a11y/useFocusableInteractive: rows are walked by the page's keys
    <div role="row" className="span-head" style={props.grid}>
      {[start, service, operation, duration].map((name, i) => (
        // biome-ignore lint/a11y/useSemanticElements: see SpanList
        // biome-ignore lint/a11y/useFocusableInteractive: see above
        <span key={name} role="columnheader" className={i === 3 ? "figure" : undefined}>
          {name}
        </span>
      ))}
      {props.columns.map((column) => (
        // biome-ignore lint/a11y/useSemanticElements: see SpanList
        // biome-ignore lint/a11y/useFocusableInteractive: see above
        <span key={column} role="columnheader" className="mono" title={column}>
          <span>{column}</span>
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
    </div>
  );
}

/** A field of a span as the answer tells it. */
function fieldText(span: FoundSpan, field: string): string {
  const value = span.values.find((v) => v.name === field)?.value;
  return value ? textOf(value) : "";
}

function Row(props: {
  row: SpanRow;
  index: number;
  columns: readonly string[];
  grid: GridStyle;
  chosen: boolean;
  onMark: (traceId: string | undefined) => void;
}) {
  const { trace, span, more } = props.row;
  const to = tracePath(trace.traceId, span.spanId);
  const onClick = useLinkClick(to);
  const start = nanosToMillis(span.startTimeUnixNano);
  return (
    // biome-ignore lint/a11y/useSemanticElements: see SpanList
    // biome-ignore lint/a11y/useFocusableInteractive: the link in it takes the focus
    <div
      role="row"
      aria-rowindex={props.index + 2}
      className={props.chosen ? "span-row chosen" : "span-row"}
      style={{ ...props.grid, top: props.index * ROW, height: ROW }}
      onPointerEnter={() => props.onMark(trace.traceId)}
      onPointerLeave={() => props.onMark(undefined)}
    >
      <Cell className="num">
        {formatDate(start)} {formatClockMillis(start)}
      </Cell>
      <Cell>
        <Swatch name={span.service} /> {span.service || text.common.noService}
      </Cell>
      <Cell>
        <a href={to} onClick={onClick}>
          {span.name || text.common.noName}
        </a>
        {fieldText(span, "status") === "error" && <ErrorMark label={text.search.spans.failed} />}
        {more > 0 && (
          <small className="muted" title={formatExact(more)}>
            {text.search.spans.more(more)}
          </small>
        )}
      </Cell>
      <Cell className="num figure">{formatDuration(Number(span.durationNanos))}</Cell>
      {props.columns.map((column) => {
        const value = fieldText(span, column);
        return (
          <Cell key={column} className="mono" title={value}>
            {value}
          </Cell>
        );
      })}
    </div>
  );
}

function Cell(props: { className?: string; title?: string; children: React.ReactNode }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: see SpanList
    <span role="cell" className={props.className} title={props.title}>
      {props.children}
    </span>
  );
}
