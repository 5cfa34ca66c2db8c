// Drawing the spans of a trace: the minimap, the bars of the waterfall and the flame chart.

import { cutMiddle, formatDuration } from "../base/format";
import { type Errors, NO_ERROR, ORIGIN } from "../model/errors";
import type { Lanes } from "../model/flame";
import { nameOf, type Trace } from "../model/trace";
import type { Work } from "../model/work";
import { type Ink, prepare } from "./surface";

/** The time shown, in nanoseconds after the trace's time zero. */
export interface View {
  readonly from: number;
  readonly to: number;
}

/** Colours of the trace's services: solid for work, light for waiting. */
export interface Palette {
  readonly solid: readonly string[];
  readonly light: readonly string[];
}

/** Where a time is across `width` pixels. */
export const xAt = (view: View, width: number, time: number) =>
  ((time - view.from) / Math.max(1, view.to - view.from)) * width;

/** Spans of a minimap that lie on one line of pixels. */
const MOST_ON_PIXEL = 32;

/** Draws every span as a thin line, failed ones on top; of more than can be told apart some. */
export function drawMinimap(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  trace: Trace,
  errors: Errors,
  palette: Palette,
  ink: Ink,
): void {
  const c = prepare(canvas, width, height);
  if (!c) return;
  const view = { from: trace.from, to: trace.to };
  const inner = height - 8;
  const step = inner / Math.max(1, trace.size);
  const thick = Math.max(1, Math.min(3, step * 0.8));
  c.globalAlpha = trace.size > 400 ? 0.55 : 0.85;
  // More lines than fit on a pixel's are one on the other: some of them look the same.
  const stride = Math.max(1, Math.floor(trace.size / (inner * MOST_ON_PIXEL)));
  for (let r = 0; r < trace.size; r += stride) {
    const x = xAt(view, width, trace.start[r]!);
    c.fillStyle = palette.solid[trace.service[r]!]!;
    c.fillRect(
      x,
      4 + r * step,
      Math.max(1, xAt(view, width, trace.start[r]! + trace.duration[r]!) - x),
      thick,
    );
  }
  c.globalAlpha = 1;
  // A failure must be seen at any size: its mark is at least 2 by 5 pixels.
  c.fillStyle = ink.error;
  for (const r of errors.failed) {
    c.globalAlpha = errors.mark[r] === ORIGIN ? 1 : 0.35;
    const x = xAt(view, width, trace.start[r]!);
    const w = Math.max(2, xAt(view, width, trace.start[r]! + trace.duration[r]!) - x);
    const tall = w < 6 ? Math.max(5, thick) : Math.max(2, thick);
    c.fillRect(x, 4 + r * step - (tall - thick) / 2, w, tall);
  }
  c.globalAlpha = 1;
}

export interface Bars {
  readonly trace: Trace;
  readonly work: Work;
  readonly errors: Errors;
  readonly palette: Palette;
  readonly ink: Ink;
  readonly view: View;
}

const BAR_TOP = 5;
const BAR_HEIGHT = 12;

/** Draws the bars of the visible rows [first, last) one under another; y 0 is the top of the first. */
export function drawBars(
  canvas: HTMLCanvasElement,
  width: number,
  rowHeight: number,
  rows: Int32Array,
  first: number,
  last: number,
  bars: Bars,
): void {
  const c = prepare(canvas, width, (last - first) * rowHeight);
  if (!c) return;
  for (let i = first; i < last; i++) drawBar(c, width, (i - first) * rowHeight + BAR_TOP, rows[i]!, bars);
}

function drawBar(c: CanvasRenderingContext2D, width: number, y: number, r: number, bars: Bars): void {
  const { trace, work, errors, palette, ink, view } = bars;
  const from = Math.max(-4, xAt(view, width, trace.start[r]!));
  const to = Math.min(width + 4, xAt(view, width, trace.start[r]! + trace.duration[r]!));
  if (to < -2 || from > width + 2) return;
  const w = Math.max(2, to - from);
  const service = trace.service[r]!;
  c.fillStyle = palette.light[service]!;
  fillPart(c, from, from + w, y, from, from + w);
  c.fillStyle = palette.solid[service]!;
  let x = from;
  for (let i = work.waitOffset[r]!; i < work.waitOffset[r + 1]!; i++) {
    const a = xAt(view, width, work.waitFrom[i]!);
    const b = xAt(view, width, work.waitTo[i]!);
    if (a > x) fillPart(c, from, from + w, y, x, a);
    x = Math.max(x, b);
    if (x > width) break;
  }
  // A bar of a few pixels cannot show the difference; it is solid so that it is seen.
  if (w <= 3 || x === from) fillPart(c, from, from + w, y, from, from + w);
  else if (to > x) fillPart(c, from, from + w, y, x, to);
  const mark = errors.mark[r]!;
  if (mark === NO_ERROR) return;
  // An origin is underlined thick and solid, a failure that was passed on thin.
  c.fillStyle = ink.error;
  c.fillRect(from, y + BAR_HEIGHT + (mark === ORIGIN ? -1 : 1), w, mark === ORIGIN ? 4 : 1.5);
}

/** Fills [a, b) of the bar [from, to); the bar's corners are round, without a clip, which costs more than all else. */
function fillPart(
  c: CanvasRenderingContext2D,
  from: number,
  to: number,
  y: number,
  a: number,
  b: number,
): void {
  const end = Math.min(b, to);
  const left = a <= from ? Math.min(2, (end - a) / 2) : 0;
  const right = end >= to ? Math.min(2, (end - a) / 2) : 0;
  if (left === 0 && right === 0) {
    c.fillRect(a, y, end - a, BAR_HEIGHT);
    return;
  }
  c.beginPath();
  c.roundRect(a, y, end - a, BAR_HEIGHT, [left, right, right, left]);
  c.fill();
}

export const FLAME_ROW = 20;

/** Draws lanes [first, last) of the flame chart. */
export function drawFlame(
  canvas: HTMLCanvasElement,
  width: number,
  lanes: Lanes,
  byLane: readonly Int32Array[],
  first: number,
  last: number,
  bars: Omit<Bars, "work">,
  chosen: number,
): void {
  const c = prepare(canvas, width, (last - first) * FLAME_ROW);
  if (!c) return;
  c.font = bars.ink.font;
  c.textBaseline = "middle";
  for (let lane = first; lane < Math.min(last, lanes.count); lane++) {
    for (const r of byLane[lane] ?? [])
      drawBlock(c, width, (lane - first) * FLAME_ROW, r, bars, r === chosen);
  }
}

function drawBlock(
  c: CanvasRenderingContext2D,
  width: number,
  y: number,
  r: number,
  bars: Omit<Bars, "work">,
  chosen: boolean,
): void {
  const { trace, errors, palette, ink, view } = bars;
  const from = Math.max(-4, xAt(view, width, trace.start[r]!));
  const to = Math.min(width + 4, xAt(view, width, trace.start[r]! + trace.duration[r]!));
  if (to < 0 || from > width) return;
  const w = Math.max(1, to - from - 1);
  c.fillStyle = palette.light[trace.service[r]!]!;
  c.fillRect(from, y, w, FLAME_ROW - 1);
  c.fillStyle = palette.solid[trace.service[r]!]!;
  c.fillRect(from, y, Math.min(3, w), FLAME_ROW - 1);
  if (errors.mark[r] !== NO_ERROR) {
    c.fillStyle = ink.error;
    c.fillRect(from, y + FLAME_ROW - 4, w, errors.mark[r] === ORIGIN ? 3 : 1.5);
  }
  if (chosen) {
    c.strokeStyle = ink.text;
    c.lineWidth = 1.5;
    c.strokeRect(from + 0.75, y + 0.75, w - 1.5, FLAME_ROW - 2.5);
  }
  if (w < 36) return;
  c.save();
  c.beginPath();
  c.rect(Math.max(0, from), y, Math.min(width, to) - Math.max(0, from) - 4, FLAME_ROW);
  c.clip();
  c.fillStyle = ink.text;
  const letters = Math.floor((Math.min(width, to) - Math.max(0, from) - 12) / LETTER);
  c.fillText(labelOf(trace, r, letters), Math.max(0, from) + 8, y + FLAME_ROW / 2);
  c.restore();
}

/** Pixels of an average letter. */
const LETTER = 6;

/** The name and, where there is room, the duration of a span. */
function labelOf(trace: Trace, row: number, letters: number): string {
  const name = nameOf(trace, row);
  const label = `${name}  ${formatDuration(trace.duration[row]!)}`;
  return label.length <= letters ? label : cutMiddle(name, letters);
}

/** The row of the flame chart at a place in a lane, or -1. */
export function blockAt(row: Int32Array | undefined, trace: Trace, time: number, slack: number): number {
  if (!row) return -1;
  let best = -1;
  let nearest = slack;
  for (const r of row) {
    const outside = Math.max(trace.start[r]! - time, time - trace.start[r]! - trace.duration[r]!, 0);
    if (outside > nearest) continue;
    nearest = outside;
    best = r;
    if (outside === 0) break;
  }
  return best;
}
