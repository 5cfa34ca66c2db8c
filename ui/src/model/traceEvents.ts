// The events of all spans of a trace in the order of time.

import { type Attribute, textOf } from "./detail";
import type { Trace } from "./trace";

export interface TraceEvents {
  /** The row of the span of each event. */
  readonly row: Int32Array;
  /** Place in columns.events. */
  readonly event: Int32Array;
  /** Nanoseconds after the trace's time zero; they move with their span where clocks are adjusted. */
  readonly time: Float64Array;
}

/** Puts the events of a trace, or of the subtree of `focus` (all where it is -1), in order. */
export function eventsInTime(trace: Trace, focus: number): TraceEvents {
  const { spans, events } = trace.columns;
  const first = Math.max(0, focus);
  const end = focus < 0 ? trace.size : focus + trace.subtree[focus]!;
  const rows: number[] = [];
  const numbers: number[] = [];
  const times: number[] = [];
  for (let r = first; r < end; r++) {
    const source = trace.source[r]!;
    const moved = trace.start[r]! - spans.start[source]!;
    for (let e = spans.events[source] ?? 0; e < (spans.events[source + 1] ?? 0); e++) {
      rows.push(r);
      numbers.push(e);
      times.push(events.time[e]! + moved);
    }
  }
  const order = Int32Array.from(rows.keys()).sort((a, b) => times[a]! - times[b]! || a - b);
  return {
    row: Int32Array.from(order, (i) => rows[i]!),
    event: Int32Array.from(order, (i) => numbers[i]!),
    time: Float64Array.from(order, (i) => times[i]!),
  };
}

/** The name of an event by its place in columns.events. */
export const eventName = (trace: Trace, event: number): string =>
  trace.columns.strings[trace.columns.events.name[event]!] ?? "";

/** Stacks are long; the span's panel lays them out. */
const STACK = "exception.stacktrace";

/** What an event says besides its name, in one line: an exception's type and message bare, others by key. */
export function eventText(attributes: readonly Attribute[]): string {
  return attributes
    .filter((a) => a.key !== STACK)
    .map((a) => {
      const value = textOf(a.value).split("\n", 1)[0]!;
      return a.key === "exception.type" || a.key === "exception.message" ? value : `${a.key}: ${value}`;
    })
    .join(" · ");
}
