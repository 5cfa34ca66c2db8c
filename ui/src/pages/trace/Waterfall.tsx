// The waterfall: the tree as text on the left, time on the right. Rows are elements, bars are one canvas; both
// hold only what is in sight and scroll together, because the canvas lies in the scrolled space.

import { useEffect, useLayoutEffect, useMemo, useRef } from "react";
import { formatDuration } from "../../base/format";
import { text } from "../../base/strings";
import { linearTicks } from "../../base/ticks";
import { drawPathRows } from "../../canvas/critical";
import { drawEvents } from "../../canvas/events";
import { drawBars, xAt } from "../../canvas/spans";
import { readInk } from "../../canvas/surface";
import { Splitter } from "../../components/Splitter";
import { indexOfRow } from "../../model/rows";
import { idOf } from "../../model/trace";
import { useTheme } from "../../state/theme";
import { useRowWindow, useSize } from "../../state/window";
import { TimeDrag } from "./TimeDrag";
import type { TraceView } from "./useTraceView";
import { useWheelZoom } from "./useWheelZoom";
import { WaterfallRow } from "./WaterfallRow";
import { LEAST_NAME, useNameWidth } from "./widths";

export const ROW = 22;
/** Pixels kept free at the right, so that every bar has room for its duration behind it. */
const LABEL_ROOM = 68;

export function Waterfall({ state }: { state: TraceView }) {
  const { rows, trace, view, cursor, matches } = state;
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width } = useSize(scroller);
  const { nameWidth, most, setNameWidth } = useNameWidth(width);
  const { shown } = useTheme();
  const { first, last, most: places } = useRowWindow(scroller, rows.length, ROW);
  const timeWidth = Math.max(0, width - nameWidth - LABEL_ROOM);
  const ticks = linearTicks(0, view.to - view.from, Math.max(2, timeWidth / 110));
  const matched = useMemo(() => new Set(matches), [matches]);
  useWheelZoom(scroller, { left: nameWidth, width: timeWidth }, view, state.all, state.zoom);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme decides what readInk returns
  useLayoutEffect(() => {
    if (!canvas.current || timeWidth <= 0) return;
    const bars = { ...state, ink: readInk() };
    drawBars(canvas.current, timeWidth, ROW, rows, first, last, bars);
    drawEvents(canvas.current, timeWidth, ROW, trace, rows, first, last, view, bars.ink);
    if (!state.path) return;
    const { path, collapsed, pathAlone: alone } = state;
    const visible = { trace, path, rows, collapsed, first, last, rowHeight: ROW, view, alone };
    drawPathRows(canvas.current, timeWidth, visible, bars.ink);
  }, [
    state.trace,
    state.work,
    state.errors,
    state.path,
    state.pathAlone,
    state.collapsed,
    state.palette,
    view.from,
    view.to,
    rows,
    first,
    last,
    timeWidth,
    shown,
  ]);

  useEffect(() => {
    const list = scroller.current;
    if (!list || cursor < 0) return;
    const top = indexOfRow(rows, cursor) * ROW;
    if (top < list.scrollTop + ROW) list.scrollTop = top - 3 * ROW;
    else if (top + 2 * ROW > list.scrollTop + list.clientHeight)
      list.scrollTop = top + 4 * ROW - list.clientHeight;
  }, [cursor, rows]);

  return (
    <div className="waterfall" style={{ "--name-width": `${nameWidth}px` } as React.CSSProperties}>
      <div className="ruler">
        <span className="ruler-name">{text.trace.spanColumn}</span>
        <TimeDrag
          className="ruler-time"
          width={timeWidth}
          label={text.trace.minimap}
          view={view}
          onZoom={state.zoom}
        >
          {ticks.map((tick) => (
            <span
              key={tick}
              className="tick num"
              style={{ left: xAt({ from: 0, to: view.to - view.from }, timeWidth, tick) }}
            >
              {formatDuration(tick + (view.from - trace.from))}
            </span>
          ))}
        </TimeDrag>
        <Splitter
          className="for-names"
          label={text.trace.resizeNames}
          width={nameWidth}
          least={LEAST_NAME}
          most={most}
          onResize={setNameWidth}
        />
      </div>
      <div
        className="waterfall-scroll"
        ref={scroller}
        role="tree"
        tabIndex={0}
        aria-label={text.trace.tree}
        aria-activedescendant={cursor >= 0 ? `row-${idOf(trace, cursor)}` : undefined}
      >
        <div className="waterfall-space" style={{ height: rows.length * ROW + 2 * ROW }}>
          <div className="grid-lines" style={{ left: nameWidth, width: timeWidth }} aria-hidden="true">
            {ticks.map((tick) => (
              <i key={tick} style={{ left: xAt({ from: 0, to: view.to - view.from }, timeWidth, tick) }} />
            ))}
          </div>
          <canvas
            ref={canvas}
            aria-hidden="true"
            style={{ left: nameWidth, top: first * ROW, width: timeWidth, height: (last - first) * ROW }}
          />
          {Array.from(rows.subarray(first, last), (row, i) => (
            <WaterfallRow
              key={(first + i) % places}
              row={row}
              top={(first + i) * ROW}
              nameWidth={nameWidth}
              timeWidth={timeWidth}
              matched={matched.has(row)}
              state={state}
            />
          ))}
        </div>
      </div>
    </div>
  );
}
