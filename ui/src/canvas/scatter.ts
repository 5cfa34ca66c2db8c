// The scatter plot of a search: one mark a trace, start time across, duration up on a log scale, errors on top.

import { formatClock, formatDate, formatDuration } from "../base/format";
import { logTicks, timeTicks } from "../base/ticks";
import { type Ink, prepare } from "./surface";

export interface Point {
  readonly traceId: string;
  /** Unix milliseconds. */
  readonly time: number;
  /** Nanoseconds. */
  readonly duration: number;
  readonly failed: boolean;
  readonly spans: number;
}

export interface Plot {
  readonly width: number;
  readonly height: number;
  readonly from: number;
  readonly to: number;
  readonly least: number;
  readonly most: number;
}

const LEFT = 52;
const RIGHT = 12;
const TOP = 8;
const BOTTOM = 20;

/**
 * The scales: times as far as the extent goes, so that marks keep their places while more come in, and durations
 * out to the next 1 or 3 times a power of ten, so that one more mark seldom moves the others.
 */
export function layoutPlot(
  points: readonly Point[],
  extent: { from: number; to: number },
  width: number,
  height: number,
): Plot {
  let shortest = Number.POSITIVE_INFINITY;
  let longest = 1;
  for (const p of points) {
    shortest = Math.min(shortest, Math.max(1, p.duration));
    longest = Math.max(longest, p.duration);
  }
  const room = Math.max(500, (extent.to - extent.from) * 0.01);
  const times = { from: extent.from - room, to: extent.to + room };
  if (points.length === 0) return { width, height, ...times, least: 1e6, most: 1e9 };
  return { width, height, ...times, least: stepDown(shortest / 1.2), most: stepUp(longest * 1.2) };
}

/** The greatest 1 or 3 times a power of ten that is at most the value. */
function stepDown(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return value >= 3 * power ? 3 * power : power;
}

/** The least 1 or 3 times a power of ten that is at least the value. */
function stepUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 3, 10].find((m) => m * power >= value)! * power;
}

/** Where a time is; one outside of the plot, such as the start of a trace that went on into it, is at its edge. */
export const xOf = (plot: Plot, time: number) =>
  LEFT + clamp((time - plot.from) / (plot.to - plot.from)) * (plot.width - LEFT - RIGHT);

export const yOf = (plot: Plot, duration: number) =>
  plot.height -
  BOTTOM -
  (Math.log(Math.max(1, duration) / plot.least) / Math.log(plot.most / plot.least)) *
    (plot.height - TOP - BOTTOM);

/** The time at x, kept within the plot. */
export const timeAt = (plot: Plot, x: number) =>
  plot.from + clamp((x - LEFT) / (plot.width - LEFT - RIGHT)) * (plot.to - plot.from);

/** The duration at y, kept within the plot. */
export const durationAt = (plot: Plot, y: number) =>
  plot.least * (plot.most / plot.least) ** clamp((plot.height - BOTTOM - y) / (plot.height - TOP - BOTTOM));

const clamp = (value: number) => Math.min(1, Math.max(0, value));

/** A mark's radius grows with the trace's spans, slowly. */
export const radiusOf = (spans: number) => Math.min(9, 2.6 + Math.log2(1 + spans) * 0.45);

/** The point nearest to a place within reach; failed ones win. */
export function pointAt(plot: Plot, points: readonly Point[], x: number, y: number): Point | undefined {
  let best: Point | undefined;
  let nearest = 12;
  for (const p of points) {
    const distance = Math.hypot(xOf(plot, p.time) - x, yOf(plot, p.duration) - y) - (p.failed ? 2 : 0);
    if (distance >= nearest) continue;
    nearest = distance;
    best = p;
  }
  return best;
}

/** Draws axes and marks. */
export function drawScatter(
  canvas: HTMLCanvasElement,
  plot: Plot,
  points: readonly Point[],
  ink: Ink,
  marked: string | undefined,
): void {
  const c = prepare(canvas, plot.width, plot.height);
  if (!c) return;
  drawAxes(c, plot, ink);
  for (const failed of [false, true]) {
    c.fillStyle = failed ? ink.error : ink.mark;
    c.strokeStyle = ink.background;
    c.lineWidth = 1;
    c.globalAlpha = failed ? 0.9 : 0.62;
    for (const p of points) {
      if (p.failed !== failed) continue;
      c.beginPath();
      c.arc(xOf(plot, p.time), yOf(plot, p.duration), radiusOf(p.spans), 0, 2 * Math.PI);
      c.fill();
      c.stroke();
    }
  }
  c.globalAlpha = 1;
  const chosen = marked === undefined ? undefined : points.find((p) => p.traceId === marked);
  if (!chosen) return;
  c.strokeStyle = ink.text;
  c.lineWidth = 1.5;
  c.beginPath();
  c.arc(xOf(plot, chosen.time), yOf(plot, chosen.duration), radiusOf(chosen.spans) + 2.5, 0, 2 * Math.PI);
  c.stroke();
}

function drawAxes(c: CanvasRenderingContext2D, plot: Plot, ink: Ink): void {
  c.font = ink.font;
  c.lineWidth = 1;
  c.strokeStyle = ink.line;
  c.fillStyle = ink.muted;
  c.textBaseline = "middle";
  c.textAlign = "right";
  let above = Number.POSITIVE_INFINITY;
  for (const tick of logTicks(plot.least, plot.most)) {
    const y = Math.round(yOf(plot, tick)) + 0.5;
    if (above - y < 16) continue;
    above = y;
    line(c, LEFT, y, plot.width - RIGHT, y);
    c.fillText(formatDuration(tick), LEFT - 8, y);
  }
  c.textBaseline = "alphabetic";
  c.textAlign = "center";
  const days = plot.to - plot.from > 86_400_000;
  for (const tick of timeTicks(plot.from, plot.to, (plot.width - LEFT) / 110)) {
    const x = Math.round(xOf(plot, tick)) + 0.5;
    if (x > plot.width - RIGHT - 24) continue;
    line(c, x, plot.height - BOTTOM, x, plot.height - BOTTOM + 4);
    c.fillText(
      days ? `${formatDate(tick)} ${formatClock(tick).slice(0, 5)}` : formatClock(tick),
      x,
      plot.height - 4,
    );
  }
  line(c, LEFT, plot.height - BOTTOM + 0.5, plot.width - RIGHT, plot.height - BOTTOM + 0.5);
}

function line(c: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  c.beginPath();
  c.moveTo(x0, y0);
  c.lineTo(x1, y1);
  c.stroke();
}
