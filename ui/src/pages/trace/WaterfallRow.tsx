import { memo } from "react";
import { formatDuration } from "../../base/format";
import { text } from "../../base/strings";
import { type View, xAt } from "../../canvas/spans";
import { ErrorMark } from "../../components/Icon";
import { Swatch } from "../../components/Service";
import { NO_ERROR, ORIGIN } from "../../model/errors";
import { leftBelow } from "../../model/outline";
import { idOf, missingParent, nameOf, serviceOf } from "../../model/trace";
import { CutName } from "./CutName";
import { toggled } from "./useTraceKeys";
import type { TraceView } from "./useTraceView";

const INDENT = 14;
const MOST_INDENT = 18;
/** Pixels before the guides and after them, and of what opens and closes a subtree with the gap behind it. */
const EDGE = 13;
const TWISTY = 21;
/** Below this width of the tree there is no room for service names. */
const NARROW = 230;
/** A gap is told where it is at least this share of the trace and this wide. */
const GAP_SHARE = 0.05;
const GAP_WIDTH = 116;

/**
 * One span of the waterfall: tree, name and labels. Its bar is on the canvas behind. While rows scroll only those that
 * come in sight are written, into the elements of those that left it, and of few elements each.
 */
export const WaterfallRow = memo(function WaterfallRow(props: {
  row: number;
  top: number;
  nameWidth: number;
  timeWidth: number;
  matched: boolean;
  state: TraceView;
}) {
  const { row, state } = props;
  const { trace, errors, collapsed, focus } = state;
  const depth = trace.depth[row]! - (focus >= 0 ? trace.depth[focus]! : 0);
  const narrow = props.nameWidth < NARROW;
  const indent = Math.min(depth, MOST_INDENT) * (narrow ? INDENT / 2 : INDENT);
  const below = trace.subtree[row]! - 1;
  const left = leftBelow(trace, row);
  const open = !collapsed.has(row);
  const mark = errors.mark[row]!;
  const service = serviceOf(trace, row) || text.common.noService;
  const orphan = missingParent(trace, row) !== "";
  const sameService = trace.parent[row]! >= 0 && trace.service[trace.parent[row]!] === trace.service[row];
  const classes = ["row"];
  if (row === state.cursor) classes.push("chosen");
  if (props.matched) classes.push("matched");
  else if (state.find && state.matches.length > 0) classes.push("dimmed");
  else if (state.pathAlone && state.path && !onPath(state, row)) classes.push("dimmed");
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the page's keys walk the tree
    // biome-ignore lint/a11y/useFocusableInteractive: the tree has the focus and names the active row
    <div
      id={`row-${idOf(trace, row)}`}
      role="treeitem"
      aria-level={depth + 1}
      aria-expanded={below > 0 ? open : undefined}
      aria-selected={row === state.cursor}
      className={classes.join(" ")}
      aria-label={`${service} ${nameOf(trace, row)}, ${formatDuration(trace.duration[row]!)}${mark ? `, ${mark === ORIGIN ? text.trace.origin : text.trace.propagated}` : ""}`}
      style={{ top: props.top }}
      onClick={() => state.select(row)}
    >
      <div
        className={narrow ? "row-name narrow" : "row-name"}
        title={`${service} · ${nameOf(trace, row)}`}
        aria-hidden="true"
        style={{ paddingLeft: EDGE + indent + (below > 0 ? 0 : TWISTY), backgroundSize: `${indent}px` }}
      >
        {below > 0 && (
          <button
            type="button"
            className={open ? "twisty open" : "twisty"}
            tabIndex={-1}
            aria-label={open ? text.trace.collapseAll : text.trace.expandAll}
            onClick={(event) => {
              event.stopPropagation();
              state.setCollapsed(toggled(collapsed, row, !open));
            }}
          />
        )}
        <Swatch name={serviceOf(trace, row)} />
        {/* In a narrow tree the colour alone stands for the service. */}
        {!narrow && (
          <CutName silent className={sameService ? "service same" : "service"}>
            {service}
          </CutName>
        )}
        <CutName silent className="operation">
          {nameOf(trace, row) || text.common.noName}
        </CutName>
        {mark !== NO_ERROR && (
          <ErrorMark
            soft={mark !== ORIGIN}
            label={mark === ORIGIN ? text.trace.origin : text.trace.propagated}
          />
        )}
        {orphan && !narrow && <span className="tag">{text.trace.missing}</span>}
        {!open && <span className="hidden-count num">{text.trace.hidden(below)}</span>}
        {left > 0 && <LeftBelow row={row} count={left} state={state} />}
      </div>
      <Labels row={row} state={state} left={props.nameWidth} width={props.timeWidth} />
    </div>
  );
});

/** How many spans below the row were left out; a click asks for them. */
function LeftBelow({ row, count, state }: { row: number; count: number; state: TraceView }) {
  const waits = state.expanding === idOf(state.trace, row);
  return (
    <button
      type="button"
      className="left-below num"
      tabIndex={-1}
      disabled={state.expanding !== ""}
      title={text.trace.showLeft(count)}
      onClick={(event) => {
        event.stopPropagation();
        state.expand(row);
      }}
    >
      {waits ? text.common.loading : text.trace.leftBelow(count)}
    </button>
  );
}

/** Whether the critical path runs through the row, or through what it hides. */
function onPath({ path, trace, collapsed }: TraceView, row: number): boolean {
  const end = collapsed.has(row) ? row + trace.subtree[row]! : row + 1;
  return path!.offset[end]! > path!.offset[row]!;
}

/** The duration behind the bar and what is said in a gap; time begins at `left`. */
function Labels(props: { row: number; state: TraceView; left: number; width: number }) {
  const { row, state, left, width } = props;
  const { trace, work, view } = state;
  const start = trace.start[row]!;
  const label = formatDuration(trace.duration[row]!);
  const place = placeLabel(view, width, start, start + trace.duration[row]!);
  const gap = work.gapTo[row]! - work.gapFrom[row]!;
  const gapFrom = Math.max(0, xAt(view, width, work.gapFrom[row]!));
  const gapTo = Math.min(width, xAt(view, width, work.gapTo[row]!));
  const tellGap = gap >= GAP_SHARE * (trace.to - trace.from) && gapTo - gapFrom >= GAP_WIDTH;
  return (
    <>
      {tellGap && (
        <span className="gap num" aria-hidden="true" style={{ left: left + gapFrom, width: gapTo - gapFrom }}>
          {text.trace.gap(gap)}
        </span>
      )}
      <span className="label num" aria-hidden="true" style={{ left: left + place.x }}>
        {place.side === "over" ? `‹ ${label}` : place.side === "ahead" ? `${label} ›` : label}
      </span>
    </>
  );
}

/**
 * Where a duration is written: behind its bar, or behind the view where the bar goes on or is still to come; at
 * the front where the bar is over.
 */
function placeLabel(
  view: View,
  width: number,
  from: number,
  to: number,
): { x: number; side: "over" | "shown" | "ahead" } {
  const a = xAt(view, width, from);
  const b = xAt(view, width, to);
  if (b < 0) return { x: 4, side: "over" };
  if (a > width) return { x: width + 6, side: "ahead" };
  return { x: Math.min(width, Math.max(b, a + 2)) + 6, side: "shown" };
}
