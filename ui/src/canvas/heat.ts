// The latency heat map: time across, duration up on a log scale, and in each cell how many spans and failures.

import type { HeatMap } from "../api/analysis";
import { formatClock, formatDate, formatDuration, nanosToMillis } from "../base/format";
import { logTicks, timeTicks } from "../base/ticks";
import { type Ink, prepare } from "./surface";

/** Cells of one range of durations, by column. */
export interface HeatRow {
  /** Nanoseconds; the end is exclusive. */
  readonly from: number;
  readonly to: number;
  readonly counts: readonly number[];
  readonly errors: readonly number[];
}

export interface Heat {
  readonly width: number;
  readonly height: number;
  /** Unix milliseconds of the first column, and the length of one. */
  readonly from: number;
  readonly step: number;
  readonly columns: number;
  /** By duration, the shortest first, without gaps. */
  readonly rows: readonly HeatRow[];
  readonly most: number;
}

/** A cell, or a block of them from one corner to the other, both included. */
export interface Cell {
  readonly row: number;
  readonly column: number;
}

const LEFT = 58;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 22;
/** Rows lower than this many pixels are joined. */
const LOWEST = 6;

/** Lays a heat map out; rows are joined by two or by four where there is no room for each. */
export function layoutHeat(map: HeatMap, width: number, height: number): Heat {
  const room = (height - TOP - BOTTOM) / Math.max(1, map.rows.length);
  const joined = [1, 2, 4].find((n) => n * room >= LOWEST) ?? 8;
  const rows: HeatRow[] = [];
  for (let i = 0; i < map.rows.length; i += joined) rows.push(join(map.rows.slice(i, i + joined)));
  let most = 0;
  for (const row of rows) for (const n of row.counts) most = Math.max(most, n);
  return {
    width,
    height,
    from: nanosToMillis(map.startTimeUnixNano),
    step: Number(map.stepNanos) / 1e6,
    columns: rows[0]?.counts.length ?? 0,
    rows,
    most,
  };
}

function join(rows: HeatMap["rows"]): HeatRow {
  const add = (of: "counts" | "errors") =>
    rows[0]![of].map((_, column) => rows.reduce((sum, row) => sum + row[of][column]!, 0));
  return {
    from: Number(rows[0]!.fromNanos),
    to: Number(rows.at(-1)!.toNanos),
    counts: add("counts"),
    errors: add("errors"),
  };
}

const left = (heat: Heat, column: number) =>
  LEFT + (column / Math.max(1, heat.columns)) * (heat.width - LEFT - RIGHT);
const bottom = (heat: Heat, row: number) =>
  heat.height - BOTTOM - (row / Math.max(1, heat.rows.length)) * (heat.height - TOP - BOTTOM);

const clamp = (value: number, most: number) => Math.max(0, Math.min(most, value));

/** The cell at a place, or the nearest one. */
export function cellAt(heat: Heat, x: number, y: number): Cell {
  const column = Math.floor(((x - LEFT) / (heat.width - LEFT - RIGHT)) * heat.columns);
  const row = Math.floor(((heat.height - BOTTOM - y) / (heat.height - TOP - BOTTOM)) * heat.rows.length);
  return { row: clamp(row, heat.rows.length - 1), column: clamp(column, heat.columns - 1) };
}

/** What is between two corners. */
export interface Block {
  /** Unix milliseconds. */
  readonly from: number;
  readonly to: number;
  /** Nanoseconds; the end is exclusive. */
  readonly least: number;
  readonly most: number;
  readonly count: number;
  readonly errors: number;
}

export function blockOf(heat: Heat, a: Cell, b: Cell): Block {
  const rows = heat.rows.slice(Math.min(a.row, b.row), Math.max(a.row, b.row) + 1);
  const [first, last] = [Math.min(a.column, b.column), Math.max(a.column, b.column)];
  const sum = (of: "counts" | "errors") =>
    rows.reduce((all, row) => row[of].slice(first, last + 1).reduce((n, c) => n + c, all), 0);
  return {
    from: heat.from + first * heat.step,
    to: heat.from + (last + 1) * heat.step,
    least: rows[0]!.from,
    most: rows.at(-1)!.to,
    count: sum("counts"),
    errors: sum("errors"),
  };
}

/** The rectangle of a block of cells in CSS pixels. */
export function rectOf(heat: Heat, a: Cell, b: Cell) {
  const x = left(heat, Math.min(a.column, b.column));
  const y = bottom(heat, Math.max(a.row, b.row) + 1);
  return {
    left: x,
    top: y,
    width: left(heat, Math.max(a.column, b.column) + 1) - x,
    height: bottom(heat, Math.min(a.row, b.row)) - y,
  };
}

/** Draws axes and cells: the more spans the stronger, the more of them failed the redder. */
export function drawHeat(canvas: HTMLCanvasElement, heat: Heat, ink: Ink): void {
  const c = prepare(canvas, heat.width, heat.height);
  if (!c) return;
  drawAxes(c, heat, ink);
  const strongest = Math.log1p(heat.most);
  heat.rows.forEach((row, r) => {
    row.counts.forEach((count, column) => {
      if (count === 0) return;
      const { left, top, width, height } = rectOf(heat, { row: r, column }, { row: r, column });
      const strength = 0.18 + 0.82 * (Math.log1p(count) / strongest);
      const redness = Math.sqrt(row.errors[column]! / count);
      // Failures are seen even where there are few spans.
      c.globalAlpha = Math.max(strength, redness * 0.75);
      c.fillStyle =
        redness > 0
          ? `color-mix(in oklab, ${ink.error} ${Math.round(redness * 100)}%, ${ink.mark})`
          : ink.mark;
      c.fillRect(left, top, Math.max(1, width - 0.5), Math.max(1, height - 0.5));
    });
  });
  c.globalAlpha = 1;
}

function drawAxes(c: CanvasRenderingContext2D, heat: Heat, ink: Ink): void {
  const { rows } = heat;
  if (rows.length === 0) return;
  c.font = ink.font;
  c.strokeStyle = ink.line;
  c.fillStyle = ink.muted;
  c.lineWidth = 1;
  c.textBaseline = "middle";
  c.textAlign = "right";
  const [least, most] = [Math.max(1, rows[0]!.from), rows.at(-1)!.to];
  let above = Number.POSITIVE_INFINITY;
  for (const tick of logTicks(least, most)) {
    const share = Math.log(tick / least) / Math.log(most / least);
    const y = Math.round(bottom(heat, share * rows.length)) + 0.5;
    if (above - y < 16) continue;
    above = y;
    line(c, LEFT, y, heat.width - RIGHT, y);
    c.fillText(formatDuration(tick), LEFT - 8, y);
  }
  c.textBaseline = "alphabetic";
  c.textAlign = "center";
  const to = heat.from + heat.columns * heat.step;
  const days = to - heat.from > 86_400_000;
  for (const tick of timeTicks(heat.from, to, (heat.width - LEFT) / 90)) {
    const x = Math.round(left(heat, (tick - heat.from) / heat.step)) + 0.5;
    line(c, x, heat.height - BOTTOM, x, heat.height - BOTTOM + 4);
    if (x > heat.width - RIGHT - 12) continue;
    c.fillText(days ? formatDate(tick) : formatClock(tick).slice(0, 5), x, heat.height - 5);
  }
}

function line(c: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  c.beginPath();
  c.moveTo(x0, y0);
  c.lineTo(x1, y1);
  c.stroke();
}
