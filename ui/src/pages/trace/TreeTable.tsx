// The tree table: the waterfall's rows as figures, siblings sorted by any of them.

import { useEffect, useMemo, useRef } from "react";
import { formatCount, formatDuration } from "../../base/format";
import { text } from "../../base/strings";
import { ErrorMark, Icon } from "../../components/Icon";
import { Swatch } from "../../components/Service";
import { NO_ERROR, ORIGIN } from "../../model/errors";
import { SORTS } from "../../model/table";
import { idOf, KINDS, nameOf, serviceOf } from "../../model/trace";
import { useRowWindow } from "../../state/window";
import { CutName } from "./CutName";
import { toggled } from "./useTraceKeys";
import type { TraceView } from "./useTraceView";
import { ROW } from "./Waterfall";

const MOST_INDENT = 24;

export function TreeTable({ state }: { state: TraceView }) {
  const { rows, cursor, matches } = state;
  const scroller = useRef<HTMLDivElement>(null);
  const { first, last } = useRowWindow(scroller, rows.length, ROW);
  const matched = useMemo(() => new Set(matches), [matches]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: placeOf follows rows
  useEffect(() => {
    const list = scroller.current;
    if (!list || cursor < 0) return;
    const top = state.placeOf(cursor) * ROW;
    if (top < list.scrollTop + ROW) list.scrollTop = top - 3 * ROW;
    else if (top + 3 * ROW > list.scrollTop + list.clientHeight)
      list.scrollTop = top + 5 * ROW - list.clientHeight;
  }, [cursor, rows]);
  return (
    <div
      className="tree-table"
      ref={scroller}
      role="treegrid"
      tabIndex={0}
      aria-label={text.trace.tree}
      aria-rowcount={rows.length}
    >
      <Head state={state} />
      <div className="tree-table-space" style={{ height: (rows.length + 2) * ROW }}>
        {Array.from(rows.subarray(first, last), (row, i) => (
          <Row
            key={row}
            row={row}
            top={(first + i) * ROW}
            index={first + i}
            matched={matched.has(row)}
            state={state}
          />
        ))}
      </div>
    </div>
  );
}

function Head({ state }: { state: TraceView }) {
  const { sort } = state;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a grid that holds only the rows in sight is no HTML table
    // biome-ignore lint/a11y/useFocusableInteractive: its buttons have the focus
    <div className="tree-table-row head" role="row">
      {SORTS.map((by) => (
        // biome-ignore lint/a11y/useSemanticElements: a grid that holds only the rows in sight is no HTML table
        // biome-ignore lint/a11y/useFocusableInteractive: its button has the focus
        <span
          key={by}
          role="columnheader"
          className={by}
          aria-sort={sort?.by === by ? (sort.down ? "descending" : "ascending") : undefined}
        >
          <button type="button" className="ghost" onClick={() => state.setSort(by)}>
            {text.trace.table[by]}
            {sort?.by === by && <Icon name={sort.down ? "down" : "up"} />}
          </button>
        </span>
      ))}
    </div>
  );
}

function Row(props: { row: number; top: number; index: number; matched: boolean; state: TraceView }) {
  const { row, state } = props;
  const { trace, errors, work, collapsed, counts } = state;
  const depth = trace.depth[row]! - (state.focus >= 0 ? trace.depth[state.focus]! : 0);
  const below = trace.subtree[row]! - 1;
  const open = !collapsed.has(row);
  const mark = errors.mark[row]!;
  const classes = ["tree-table-row", row === state.cursor && "chosen", props.matched && "matched"];
  return (
    // biome-ignore lint/a11y/useSemanticElements: a grid that holds only the rows in sight is no HTML table
    // biome-ignore lint/a11y/useKeyWithClickEvents: the page's keys walk the tree
    // biome-ignore lint/a11y/useFocusableInteractive: the table has the focus
    <div
      id={`row-${idOf(trace, row)}`}
      role="row"
      aria-level={depth + 1}
      aria-rowindex={props.index + 1}
      aria-expanded={below > 0 ? open : undefined}
      aria-selected={row === state.cursor}
      className={classes.filter(Boolean).join(" ")}
      style={{ top: props.top }}
      onClick={() => state.select(row)}
    >
      <Cell
        name="name"
        title={nameOf(trace, row)}
        style={{ paddingLeft: 8 + Math.min(depth, MOST_INDENT) * 14 }}
      >
        {below > 0 ? (
          <button
            type="button"
            className="twisty"
            tabIndex={-1}
            aria-label={open ? text.trace.collapseAll : text.trace.expandAll}
            onClick={(event) => {
              event.stopPropagation();
              state.setCollapsed(toggled(collapsed, row, !open));
            }}
          >
            <Icon name={open ? "down" : "right"} />
          </button>
        ) : (
          <span className="twisty" />
        )}
        <CutName className="operation">{nameOf(trace, row) || text.common.noName}</CutName>
        {mark !== NO_ERROR && (
          <ErrorMark
            soft={mark !== ORIGIN}
            label={mark === ORIGIN ? text.trace.origin : text.trace.propagated}
          />
        )}
      </Cell>
      <Cell name="service" title={serviceOf(trace, row)}>
        <Swatch name={serviceOf(trace, row)} />
        <CutName>{serviceOf(trace, row) || text.common.noService}</CutName>
      </Cell>
      <Cell name="start">+{formatDuration(trace.start[row]! - trace.from)}</Cell>
      <Cell name="duration">{formatDuration(trace.duration[row]!)}</Cell>
      <Cell name="self">{formatDuration(work.self[row]!)}</Cell>
      <Cell name={counts[row] ? "errors failed" : "errors muted"}>{formatCount(counts[row]!)}</Cell>
      <Cell name="kind">{KINDS[trace.kind[row]!] ?? trace.kind[row]}</Cell>
    </div>
  );
}

function Cell(props: {
  name: string;
  title?: string;
  style?: React.CSSProperties;
  children: React.ReactNode;
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a grid that holds only the rows in sight is no HTML table
    // biome-ignore lint/a11y/useFocusableInteractive: the table has the focus
    <span role="gridcell" className={props.name} title={props.title} style={props.style}>
      {props.children}
    </span>
  );
}
