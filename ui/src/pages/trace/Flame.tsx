// The flame chart: the same spans by time and depth, packed into lanes.

import { type MouseEvent, useLayoutEffect, useMemo, useRef, useState } from "react";
import { formatDuration } from "../../base/format";
import { text } from "../../base/strings";
import { drawPathLanes } from "../../canvas/critical";
import { blockAt, drawFlame, FLAME_ROW } from "../../canvas/spans";
import { readInk } from "../../canvas/surface";
import { layoutLanes } from "../../model/flame";
import { nameOf, serviceOf } from "../../model/trace";
import { useTheme } from "../../state/theme";
import { useRowWindow, useSize } from "../../state/window";
import type { TraceView } from "./useTraceView";
import { useWheelZoom } from "./useWheelZoom";

export function Flame({ state }: { state: TraceView }) {
  const { trace, view, cursor } = state;
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width } = useSize(scroller);
  const { shown } = useTheme();
  const lanes = useMemo(() => layoutLanes(trace), [trace]);
  const byLane = useMemo(() => {
    const lists: number[][] = Array.from({ length: lanes.count }, () => []);
    for (let r = 0; r < trace.size; r++) lists[lanes.lane[r]!]?.push(r);
    return lists.map((list) => Int32Array.from(list));
  }, [trace, lanes]);
  const { first, last } = useRowWindow(scroller, lanes.count, FLAME_ROW);
  useWheelZoom(scroller, { left: 0, width }, view, state.all, state.zoom);
  const [tip, setTip] = useState<{ row: number; x: number; y: number }>();

  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme decides what readInk returns
  useLayoutEffect(() => {
    if (!canvas.current || width <= 0) return;
    const ink = readInk();
    drawFlame(canvas.current, width, lanes, byLane, first, last, { ...state, ink }, cursor);
    if (!state.path) return;
    const shownPath = { trace, path: state.path, view, alone: state.pathAlone };
    drawPathLanes(canvas.current, width, byLane, first, last, shownPath, ink);
  }, [
    trace,
    state.errors,
    state.path,
    state.pathAlone,
    state.palette,
    view.from,
    view.to,
    lanes,
    byLane,
    first,
    last,
    width,
    cursor,
    shown,
  ]);

  const find = (event: MouseEvent) => {
    const rect = canvas.current!.getBoundingClientRect();
    const x = event.clientX - rect.left;
    const lane = first + Math.floor((event.clientY - rect.top) / FLAME_ROW);
    const perPixel = (view.to - view.from) / Math.max(1, width);
    const row = blockAt(byLane[lane], trace, view.from + x * perPixel, 3 * perPixel);
    return { row, x, y: (lane + 1) * FLAME_ROW };
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the waterfall is the view for the keyboard
    // biome-ignore lint/a11y/noStaticElementInteractions: see above
    <div
      className="flame"
      ref={scroller}
      onMouseMove={(event) => {
        const at = find(event);
        setTip(at.row < 0 ? undefined : at);
      }}
      onMouseLeave={() => setTip(undefined)}
      onClick={(event) => {
        const { row } = find(event);
        if (row >= 0) state.select(row);
      }}
    >
      <div className="waterfall-space" style={{ height: lanes.count * FLAME_ROW + 40 }}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={text.trace.flame}
          style={{ left: 0, top: first * FLAME_ROW, width, height: (last - first) * FLAME_ROW }}
        />
        {tip && (
          <div className={tip.x > width - 320 ? "tip left" : "tip"} style={{ left: tip.x, top: tip.y + 18 }}>
            <b>
              {serviceOf(trace, tip.row)} · {nameOf(trace, tip.row)}
            </b>
            <span className="num">
              {formatDuration(trace.duration[tip.row]!)} · {text.trace.panel.self.toLowerCase()}{" "}
              {formatDuration(state.work.self[tip.row]!)}
            </span>
          </div>
        )}
      </div>
    </div>
  );
}
