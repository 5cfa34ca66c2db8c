// How many of the spans found took how long, over the whole time; dragging narrows the search to durations.

import { type PointerEvent, useRef, useState } from "react";
import { useAnalysis } from "../../api/queries";
import { formatCount, formatDuration, millisToNanos, queryDuration } from "../../base/format";
import { text } from "../../base/strings";
import { logTicks } from "../../base/ticks";
import type { Clause } from "../../model/query";

const nanos = (millis: number | undefined) => (millis === undefined ? undefined : millisToNanos(millis));

/** Movements below this share of the width are a click. */
const CLICK = 0.015;

export function Histogram(props: {
  query: string;
  window: { from: number | undefined; to: number | undefined };
  onClauses: (clauses: readonly Clause[]) => void;
}) {
  const { query, window } = props;
  const asked = useAnalysis("heatMap", {
    q: query || undefined,
    start: nanos(window.from),
    end: nanos(window.to),
    columns: 1,
  });
  const box = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<{ from: number; to: number }>();
  const rows = (asked.data?.rows ?? []).map((r) => ({
    // Durations of nothing have no place on a log scale.
    from: Math.max(1, Number(r.fromNanos)),
    to: Math.max(2, Number(r.toNanos)),
    count: r.counts[0] ?? 0,
    errors: r.errors[0] ?? 0,
  }));
  const least = Math.min(...rows.map((r) => r.from));
  const most = Math.max(...rows.map((r) => r.to));
  const highest = Math.max(...rows.map((r) => r.count));
  const place = (ns: number) => Math.log(ns / least) / Math.log(most / least);
  const durationAt = (share: number) => least * (most / least) ** Math.min(1, Math.max(0, share));
  const shareAt = (event: PointerEvent) => {
    const rect = box.current!.getBoundingClientRect();
    return (event.clientX - rect.left) / rect.width;
  };
  const onUp = () => {
    if (!drag) return;
    setDrag(undefined);
    const [from, to] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
    if (to - from < CLICK) return;
    props.onClauses([
      { field: "duration", op: ">=", literal: queryDuration(durationAt(from)) },
      { field: "duration", op: "<=", literal: queryDuration(durationAt(to)) },
    ]);
  };
  const percent = (share: number) => `${share * 100}%`;
  return (
    <figure className="histogram" aria-label={text.search.histogram.label}>
      <figcaption>
        <span>{text.search.histogram.title}</span>
        {asked.data && <span className="num">{text.common.spans(asked.data.spanCount)}</span>}
      </figcaption>
      {rows.length > 0 && (
        <div
          ref={box}
          className="histogram-bars"
          onPointerDown={(event) => {
            if (event.button !== 0) return;
            box.current?.setPointerCapture(event.pointerId);
            setDrag({ from: shareAt(event), to: shareAt(event) });
          }}
          onPointerMove={(event) => drag && setDrag({ ...drag, to: shareAt(event) })}
          onPointerUp={onUp}
          onPointerCancel={() => setDrag(undefined)}
        >
          {rows.map((r) => (
            <i
              key={r.from}
              title={`${formatDuration(r.from)} – ${formatDuration(r.to)}: ${formatCount(r.count)}${r.errors > 0 ? `, ${text.common.errors(r.errors)}` : ""}`}
              style={{
                left: percent(place(r.from)),
                width: `calc(${percent(place(r.to) - place(r.from))} - 1px)`,
                height: percent(r.count / highest),
              }}
            >
              <i className="failed" style={{ height: percent(r.errors / Math.max(1, r.count)) }} />
            </i>
          ))}
          {drag && (
            <div
              className="drag"
              style={{
                left: percent(Math.min(drag.from, drag.to)),
                width: percent(Math.abs(drag.to - drag.from)),
                right: "auto",
              }}
            />
          )}
        </div>
      )}
      <div className="histogram-axis num" aria-hidden="true">
        {rows.length > 0 &&
          logTicks(least, most)
            .filter((tick) => place(tick) > 0.07 && place(tick) < 0.93)
            .filter((_, i, all) => i % Math.ceil(all.length / 5) === 0)
            .map((tick) => (
              <span key={tick} style={{ left: percent(place(tick)) }}>
                {formatDuration(tick)}
              </span>
            ))}
      </div>
    </figure>
  );
}
