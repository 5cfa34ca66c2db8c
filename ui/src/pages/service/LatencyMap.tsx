// The latency heat map: hover tells, a click or a drag opens the traces, the arrow keys do the same.

import { type KeyboardEvent, type PointerEvent, useEffect, useMemo, useRef, useState } from "react";
import { useAnalysis } from "../../api/queries";
import { standOf } from "../../api/red";
import { formatClock, formatDate, formatDuration } from "../../base/format";
import { text } from "../../base/strings";
import {
  type Block,
  blockOf,
  type Cell,
  cellAt,
  drawHeat,
  type Heat,
  layoutHeat,
  rectOf,
} from "../../canvas/heat";
import { readInk } from "../../canvas/surface";
import { ENTRY, ofService, spansWith } from "../../model/red";
import type { CompareTime } from "../../state/against";
import { exactRange } from "../../state/range";
import { navigate, searchPath } from "../../state/router";
import { useTheme } from "../../state/theme";
import { useSize } from "../../state/window";
import { Part } from "./Part";
import { entriesOf } from "./useService";

const COLUMNS = 90;
const HEIGHT = 190;

export function LatencyMap({ service, time }: { service: string; time: CompareTime }) {
  const map = useAnalysis("heatMap", { q: entriesOf(service), columns: COLUMNS, ...time.now }, time.ready);
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width } = useSize(box);
  const { shown: theme } = useTheme();
  const [at, setAt] = useState<Cell>();
  const [anchor, setAnchor] = useState<Cell>();
  const heat = useMemo(() => map.data && layoutHeat(map.data, width, HEIGHT), [map.data, width]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme decides what readInk returns
  useEffect(() => {
    if (canvas.current && heat && width > 0) drawHeat(canvas.current, heat, readInk());
  }, [heat, width, theme]);
  const filled = heat && heat.rows.length > 0 && width > 0 ? heat : undefined;
  const block = filled && at && blockOf(filled, anchor ?? at, at);
  const open = () => {
    if (block && block.count > 0) navigate(placeOf(service, block));
  };
  const cellOf = (event: PointerEvent): Cell | undefined => {
    if (!filled) return undefined;
    const rect = box.current!.getBoundingClientRect();
    return cellAt(filled, event.clientX - rect.left, event.clientY - rect.top);
  };
  const onKey = (event: KeyboardEvent) => {
    if (!filled) return;
    if (event.key === "Escape") {
      setAt(undefined);
      setAnchor(undefined);
      return;
    }
    if (event.key === "Enter") return open();
    const moved = move(filled, at, event.key);
    if (!moved) return;
    event.preventDefault();
    setAnchor(event.shiftKey ? (anchor ?? at) : undefined);
    setAt(moved);
  };
  return (
    <Part title={text.service.heat.title} hint={text.service.heat.hint} {...standOf([map])}>
      <div
        ref={box}
        className="heat"
        style={{ height: HEIGHT }}
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys choose cells as the pointer does
        tabIndex={0}
        aria-label={text.service.heat.label}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          box.current?.setPointerCapture(event.pointerId);
          const cell = cellOf(event);
          setAnchor(cell);
          setAt(cell);
        }}
        onPointerMove={(event) => setAt(cellOf(event))}
        onPointerUp={() => {
          open();
          setAnchor(undefined);
        }}
        onPointerCancel={() => setAnchor(undefined)}
        onPointerLeave={() => !anchor && setAt(undefined)}
        onKeyDown={onKey}
        onBlur={() => setAt(undefined)}
      >
        <canvas ref={canvas} aria-hidden="true" />
        {filled?.rows.length === 0 && <p className="muted">{text.chart.none}</p>}
        {filled && at && block && <Chosen heat={filled} from={anchor ?? at} to={at} block={block} />}
      </div>
    </Part>
  );
}

/** The cell that an arrow key leads to; from nowhere, the fullest one. */
function move(heat: Heat, at: Cell | undefined, key: string): Cell | undefined {
  const [row, column] =
    { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key] ?? [];
  if (row === undefined || column === undefined) return undefined;
  if (!at) {
    for (const [r, { counts }] of heat.rows.entries()) {
      const c = counts.indexOf(heat.most);
      if (c >= 0) return { row: r, column: c };
    }
  }
  return {
    row: Math.max(0, Math.min(heat.rows.length - 1, (at?.row ?? 0) + row)),
    column: Math.max(0, Math.min(heat.columns - 1, (at?.column ?? 0) + column)),
  };
}

function Chosen(props: { heat: Heat; from: Cell; to: Cell; block: Block }) {
  const { heat, block } = props;
  const rect = rectOf(heat, props.from, props.to);
  const right = rect.left > heat.width - 240;
  return (
    <>
      <div className="drag" style={rect} />
      <div
        className={right ? "tip left" : "tip"}
        style={{ left: rect.left + (right ? 0 : rect.width), top: rect.top + rect.height / 2 }}
        role="status"
      >
        <b className="num">
          {formatDuration(block.least)} – {formatDuration(block.most)}
        </b>
        <span className="num">
          {text.common.spans(block.count)}
          {block.errors > 0 && <em> · {text.common.errors(block.errors)}</em>}
        </span>
        <span className="num muted">
          {formatDate(block.from)} {formatClock(block.from)} – {formatClock(block.to)}
        </span>
      </div>
    </>
  );
}

/** The search for the entry spans of a block, to the nanosecond. */
function placeOf(service: string, { from, to, least, most }: Block): string {
  const millis = (ns: number) => `${ns / 1e6}ms`;
  const query = spansWith(
    ofService(service),
    ENTRY,
    `duration >= ${millis(least)}`,
    `duration < ${millis(most)}`,
  );
  return searchPath(query, exactRange(from, to));
}
