// What an outline left out comes when it is asked for: below a row, or where the page is zoomed to.

import { useEffect, useRef } from "react";
import { useMore } from "../../api/queries";
import type { View } from "../../canvas/spans";
import { leftBelow } from "../../model/outline";
import { idOf, type Trace } from "../../model/trace";

/** Milliseconds that a zoom rests before spans are asked for. */
const REST = 400;
/** An answer for a stretch of time serves views down to this share of it. */
const SERVES = 0.5;

export function useMoreSpans(trace: Trace, zoomed: View | undefined) {
  const more = useMore(trace.traceId);
  const { mutate, isPending } = more;
  const had = useRef<View>(undefined);
  useEffect(() => {
    if (!zoomed || isPending || !trace.outline) return;
    if (had.current && serves(had.current, zoomed)) return;
    const row = leftWithin(trace, zoomed);
    if (row < 0) return;
    const timer = setTimeout(() => {
      had.current = zoomed;
      const at = (time: number) => String(trace.startNanos + BigInt(Math.max(0, Math.floor(time))));
      mutate({ below: idOf(trace, row), start: at(zoomed.from), end: at(zoomed.to + 1) });
    }, REST);
    return () => clearTimeout(timer);
  }, [trace, zoomed, isPending, mutate]);
  return {
    /** Asks for what was left out below a row. */
    expand: (row: number) => !isPending && leftBelow(trace, row) > 0 && mutate({ below: idOf(trace, row) }),
    /** The span below which spans are being asked for, or "". */
    expanding: isPending ? (more.variables?.below ?? "") : "",
    moreFailed: more.error,
  };
}

const serves = (had: View, view: View) =>
  view.from >= had.from && view.to <= had.to && view.to - view.from > SERVES * (had.to - had.from);

/** The row with the smallest subtree that fills the view, if spans in the view were left out of it; else -1. */
function leftWithin(trace: Trace, view: View): number {
  let found = -1;
  for (let r = 0; r < trace.size; ) {
    const fills = trace.start[r]! <= view.from && trace.start[r]! + trace.duration[r]! >= view.to;
    if (fills) found = r;
    r += fills ? 1 : trace.subtree[r]!;
  }
  if (found < 0) return -1;
  const { below, start, end } = trace.outline!.left;
  const last = found + trace.subtree[found]!;
  const some = below.some((r, i) => r >= found && r < last && start[i]! < view.to && end[i]! >= view.from);
  return some ? found : -1;
}
