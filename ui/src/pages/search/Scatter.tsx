// The scatter plot over the results: hover tells, click opens, drag narrows the search.

import { type PointerEvent, useEffect, useMemo, useRef, useState } from "react";
import type { TraceSummary } from "../../api/types";
import { formatClockMillis, formatDate, formatDuration, nanosToMillis } from "../../base/format";
import { text } from "../../base/strings";
import {
  drawScatter,
  durationAt,
  layoutPlot,
  type Plot,
  type Point,
  pointAt,
  timeAt,
  xOf,
  yOf,
} from "../../canvas/scatter";
import { readInk } from "../../canvas/surface";
import type { Region } from "../../model/compare";
import { navigate, tracePath } from "../../state/router";
import { union } from "../../state/sample";
import type { Search } from "../../state/search";
import { useTheme } from "../../state/theme";
import { useSize } from "../../state/window";

interface Drag {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/** Movements below this many pixels are a click. */
const CLICK = 5;

const NONE: readonly TraceSummary[] = [];

/** The plot of what was found. `marked` is ringed, `region` framed; `onRegion` gets what was dragged over. */
export function Scatter(props: {
  search: Search;
  marked: string | undefined;
  region: Region | undefined;
  hint: string;
  onRegion: (region: Region) => void;
}) {
  const { search, marked } = props;
  const listed = search.results.traces;
  const sampled = search.sample?.traces ?? NONE;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height } = useSize(box);
  const { shown } = useTheme();
  const [hover, setHover] = useState<Point>();
  const [drag, setDrag] = useState<Drag>();
  const traces = useMemo(() => union(sampled, listed), [sampled, listed]);
  const points = useMemo(() => traces.map(pointOf), [traces]);
  const { from, to } = search.extent ?? { from: search.at - 60_000, to: search.at };
  const plot = useMemo(
    () => layoutPlot(points, { from, to }, width, height),
    [points, from, to, width, height],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme decides what readInk returns
  useEffect(() => {
    if (canvas.current && width > 0)
      drawScatter(canvas.current, plot, points, readInk(), hover?.traceId ?? marked);
  }, [plot, points, hover, marked, shown, width]);

  const place = (event: PointerEvent) => {
    const rect = box.current!.getBoundingClientRect();
    return { x: event.clientX - rect.left, y: event.clientY - rect.top };
  };
  const onMove = (event: PointerEvent) => {
    const { x, y } = place(event);
    if (drag) return setDrag({ ...drag, x1: x, y1: y });
    setHover(pointAt(plot, points, x, y));
  };
  const onUp = () => {
    if (!drag) return;
    setDrag(undefined);
    if (Math.abs(drag.x1 - drag.x0) < CLICK && Math.abs(drag.y1 - drag.y0) < CLICK) {
      const point = pointAt(plot, points, drag.x0, drag.y0);
      if (point) navigate(tracePath(point.traceId));
      return;
    }
    props.onRegion({
      from: timeAt(plot, Math.min(drag.x0, drag.x1)),
      to: timeAt(plot, Math.max(drag.x0, drag.x1)),
      least: durationAt(plot, Math.max(drag.y0, drag.y1)),
      most: durationAt(plot, Math.min(drag.y0, drag.y1)),
    });
  };
  const moved = drag && (Math.abs(drag.x1 - drag.x0) >= CLICK || Math.abs(drag.y1 - drag.y0) >= CLICK);
  return (
    <div
      ref={box}
      className={hover ? "scatter pointing" : "scatter"}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        const { x, y } = place(event);
        box.current?.setPointerCapture(event.pointerId);
        setDrag({ x0: x, y0: y, x1: x, y1: y });
      }}
      onPointerMove={onMove}
      onPointerUp={onUp}
      onPointerCancel={() => setDrag(undefined)}
      onPointerLeave={() => setHover(undefined)}
    >
      <canvas ref={canvas} role="img" aria-label={text.search.scatter} />
      {points.length > 1 && <span className="scatter-hint">{props.hint}</span>}
      {props.region && !moved && width > 0 && <Frame region={props.region} plot={plot} />}
      {moved && (
        <div
          className="drag"
          style={{
            left: Math.min(drag.x0, drag.x1),
            top: Math.min(drag.y0, drag.y1),
            width: Math.abs(drag.x1 - drag.x0),
            height: Math.abs(drag.y1 - drag.y0),
          }}
        />
      )}
      {hover && !drag && (
        <Tip
          point={hover}
          trace={traces.find((t) => t.traceId === hover.traceId)}
          x={xOf(plot, hover.time)}
          y={yOf(plot, hover.duration)}
          width={width}
        />
      )}
    </div>
  );
}

/** Where a region is in the plot. */
function Frame({ region, plot }: { region: Region; plot: Plot }) {
  const left = xOf(plot, region.from);
  const bottom = Math.min(plot.height, yOf(plot, region.least));
  const top = Math.max(0, yOf(plot, region.most));
  return (
    <div
      className="drag"
      style={{ left, top, width: xOf(plot, region.to) - left, height: Math.max(0, bottom - top) }}
    />
  );
}

const pointOf = (trace: TraceSummary): Point => ({
  traceId: trace.traceId,
  time: nanosToMillis(trace.startTimeUnixNano),
  duration: Number(trace.durationNanos),
  failed: trace.errorCount > 0,
  spans: trace.spanCount,
});

function Tip(props: { point: Point; trace: TraceSummary | undefined; x: number; y: number; width: number }) {
  const { trace, point } = props;
  if (!trace) return null;
  const right = props.x > props.width - 300;
  return (
    <div className={right ? "tip left" : "tip"} style={{ left: props.x, top: props.y }}>
      <b>
        {trace.rootService || text.common.noService} · {trace.rootName || text.common.noName}
      </b>
      <span className="num">
        {formatDuration(point.duration)} · {text.common.spans(trace.spanCount)}
        {trace.errorCount > 0 && <em> · {text.common.errors(trace.errorCount)}</em>}
      </span>
      <span className="num muted">
        {formatDate(point.time)} {formatClockMillis(point.time)}
      </span>
    </div>
  );
}
