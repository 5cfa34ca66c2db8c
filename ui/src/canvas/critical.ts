// Drawing the critical path over spans that are already drawn.

import type { CriticalPath } from "../model/critical";
import { indexOfRow } from "../model/rows";
import type { Trace } from "../model/trace";
import { FLAME_ROW, type View, xAt } from "./spans";
import type { Ink } from "./surface";

const THICK = 2;
/** Where the line is in a row of the waterfall: above the bar, whose underside marks failures. */
const LINE_TOP = 2;
/** Pixels of a stretch from which the steps to its neighbours are drawn. */
const LEAST_STEP = 3;

/** The strip of the minimap: where drawMinimap puts row r. */
export function drawPathStrip(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  trace: Trace,
  path: CriticalPath,
  ink: Ink,
): void {
  const c = canvas.getContext("2d");
  if (!c) return;
  const view = { from: trace.from, to: trace.to };
  const step = (height - 8) / Math.max(1, trace.size);
  c.fillStyle = ink.accent;
  for (let i = 0; i < path.row.length; i++) {
    const x = xAt(view, width, path.from[i]!);
    c.fillRect(x, 3 + path.row[i]! * step, Math.max(1, xAt(view, width, path.to[i]!) - x), THICK);
  }
}

export interface PathRows {
  readonly trace: Trace;
  readonly path: CriticalPath;
  readonly rows: Int32Array;
  readonly collapsed: ReadonlySet<number>;
  readonly first: number;
  readonly last: number;
  readonly rowHeight: number;
  readonly view: View;
  /** Whether rows that are not on the path are dimmed. */
  readonly alone: boolean;
}

/** The path over the visible rows of the waterfall; what is below a collapsed row is on that row. */
export function drawPathRows(canvas: HTMLCanvasElement, width: number, shown: PathRows, ink: Ink): void {
  const c = canvas.getContext("2d");
  if (!c) return;
  const { trace, path, rows, first, rowHeight, view } = shown;
  const yOf = (row: number) => (indexOfRow(rows, row) - first) * rowHeight + LINE_TOP;
  for (let i = first; i < shown.last; i++) {
    const r = rows[i]!;
    const y = (i - first) * rowHeight;
    const end = path.offset[shown.collapsed.has(r) ? r + trace.subtree[r]! : r + 1]!;
    if (shown.alone && end === path.offset[r]) dim(c, 0, y, width, rowHeight, ink);
    for (let k = path.offset[r]!; k < end; k++) {
      const s = path.byRow[k]!;
      const from = xAt(view, width, path.from[s]!);
      const to = xAt(view, width, path.to[s]!);
      if (to < 0 || from > width) continue;
      c.fillStyle = ink.accent;
      c.fillRect(from, y + LINE_TOP, Math.max(1, to - from), THICK);
      // Steps between stretches that are mere points would be a thicket.
      if (to - from < LEAST_STEP) continue;
      if (s > 0) connect(c, from, yOf(path.row[s - 1]!), y + LINE_TOP);
      if (s + 1 < path.row.length) connect(c, to, y + LINE_TOP, yOf(path.row[s + 1]!));
    }
  }
}

/** The step from one stretch to the next. */
function connect(c: CanvasRenderingContext2D, x: number, a: number, b: number): void {
  if (a === b) return;
  c.globalAlpha = 0.45;
  c.fillRect(Math.round(x) - 0.5, Math.min(a, b), 1, Math.abs(b - a) + THICK);
  c.globalAlpha = 1;
}

function dim(
  c: CanvasRenderingContext2D,
  x: number,
  y: number,
  width: number,
  height: number,
  ink: Ink,
): void {
  c.globalAlpha = 0.7;
  c.fillStyle = ink.background;
  c.fillRect(x, y, width, height);
  c.globalAlpha = 1;
}

/** The path over lanes [first, last) of the flame chart. */
export function drawPathLanes(
  canvas: HTMLCanvasElement,
  width: number,
  byLane: readonly Int32Array[],
  first: number,
  last: number,
  shown: Pick<PathRows, "trace" | "path" | "view" | "alone">,
  ink: Ink,
): void {
  const c = canvas.getContext("2d");
  if (!c) return;
  const { trace, path, view } = shown;
  for (let lane = first; lane < Math.min(last, byLane.length); lane++) {
    const y = (lane - first) * FLAME_ROW;
    for (const r of byLane[lane]!) {
      const from = xAt(view, width, trace.start[r]!);
      const to = xAt(view, width, trace.start[r]! + trace.duration[r]!);
      if (to < 0 || from > width) continue;
      const end = path.offset[r + 1]!;
      if (shown.alone && end === path.offset[r]) dim(c, from, y, Math.max(1, to - from), FLAME_ROW, ink);
      c.fillStyle = ink.accent;
      for (let k = path.offset[r]!; k < end; k++) {
        const a = xAt(view, width, path.from[path.byRow[k]!]!);
        c.fillRect(a, y, Math.max(1, xAt(view, width, path.to[path.byRow[k]!]!) - a), THICK);
      }
    }
  }
}
