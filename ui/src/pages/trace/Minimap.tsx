import { useEffect, useRef } from "react";
import { formatDuration } from "../../base/format";
import { text } from "../../base/strings";
import { linearTicks } from "../../base/ticks";
import { drawPathStrip } from "../../canvas/critical";
import { drawMinimap } from "../../canvas/spans";
import { readInk } from "../../canvas/surface";
import { useTheme } from "../../state/theme";
import { useSize } from "../../state/window";
import { TimeDrag } from "./TimeDrag";
import type { TraceView } from "./useTraceView";

/** All spans as a strip; what the views show is bright. */
export function Minimap({ state }: { state: TraceView }) {
  const { trace, errors, path, palette, view } = state;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height } = useSize(box);
  const { shown } = useTheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme decides what readInk returns
  useEffect(() => {
    if (!canvas.current || width <= 0) return;
    const ink = readInk();
    drawMinimap(canvas.current, width, height, trace, errors, palette, ink);
    if (path) drawPathStrip(canvas.current, width, height, trace, path, ink);
  }, [width, height, trace, errors, path, palette, shown]);
  const total = Math.max(1, trace.to - trace.from);
  const share = (time: number) => Math.min(1, Math.max(0, (time - trace.from) / total));
  const from = share(view.from);
  const to = share(view.to);
  return (
    <TimeDrag
      className="minimap"
      label={text.trace.minimap}
      view={{ from: trace.from, to: trace.to }}
      onZoom={state.zoom}
    >
      <div ref={box} className="minimap-box">
        <canvas ref={canvas} aria-hidden="true" />
      </div>
      {linearTicks(0, total, Math.max(2, width / 140)).map((tick) => (
        <span
          key={tick}
          className={tick / total > 0.94 ? "tick last num" : "tick num"}
          style={{ left: `${(tick / total) * 100}%` }}
        >
          {tick > 0 && formatDuration(tick)}
        </span>
      ))}
      {from > 0 && <div className="shade" style={{ left: 0, width: `${from * 100}%` }} />}
      {to < 1 && <div className="shade" style={{ left: `${to * 100}%`, right: 0 }} />}
      {(from > 0 || to < 1) && (
        <div className="bounds" style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%` }} />
      )}
    </TimeDrag>
  );
}
