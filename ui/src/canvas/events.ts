// Ticks for the events of spans, over their bars in the waterfall.

import type { Trace } from "../model/trace";
import { type View, xAt } from "./spans";
import type { Ink } from "./surface";

/** Where a bar's ticks are in its row: from its top, over half of it. */
const TOP = 5;
const HEIGHT = 6;
/** Spans with more events than this show those at even places among them. */
const MOST = 200;

/** Draws the events of the visible rows [first, last); exceptions are red. */
export function drawEvents(
  canvas: HTMLCanvasElement,
  width: number,
  rowHeight: number,
  trace: Trace,
  rows: Int32Array,
  first: number,
  last: number,
  view: View,
  ink: Ink,
): void {
  const c = canvas.getContext("2d");
  if (!c) return;
  const { spans, events, strings } = trace.columns;
  const exception = strings.indexOf("exception");
  for (let i = first; i < last; i++) {
    const r = rows[i]!;
    const source = trace.source[r]!;
    const begin = spans.events[source]!;
    const end = spans.events[source + 1]!;
    const step = Math.max(1, Math.ceil((end - begin) / MOST));
    for (let e = begin; e < end; e += step) {
      const x = xAt(view, width, trace.start[r]! + events.time[e]! - spans.start[source]!);
      if (x < 0 || x > width) continue;
      c.fillStyle = events.name[e] === exception ? ink.error : ink.text;
      c.fillRect(Math.round(x) - 1, (i - first) * rowHeight + TOP, 2, HEIGHT);
    }
  }
}
