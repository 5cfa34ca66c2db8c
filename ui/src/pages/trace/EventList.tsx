// What the spans of the trace reported while they ran, in the order of time.

import { useEffect, useMemo, useRef } from "react";
import { formatDuration } from "../../base/format";
import { text } from "../../base/strings";
import { Swatch } from "../../components/Service";
import { attributesOfEvent } from "../../model/detail";
import { nameOf, serviceOf } from "../../model/trace";
import { eventName, eventsInTime, eventText } from "../../model/traceEvents";
import { useRowWindow } from "../../state/window";
import { CutName } from "./CutName";
import type { TraceView } from "./useTraceView";
import { ROW } from "./Waterfall";

export function EventList({ state }: { state: TraceView }) {
  const { trace, focus, cursor, matches } = state;
  const events = useMemo(() => eventsInTime(trace, focus), [trace, focus]);
  const matched = useMemo(() => new Set(matches), [matches]);
  const scroller = useRef<HTMLDivElement>(null);
  const count = events.row.length;
  const { first, last } = useRowWindow(scroller, count, ROW);
  // The selected span's events come in sight, unless one of them is.
  useEffect(() => {
    const list = scroller.current;
    const at = events.row.indexOf(cursor);
    if (!list || at < 0) return;
    const top = Math.ceil(list.scrollTop / ROW);
    const bottom = Math.floor((list.scrollTop + list.clientHeight) / ROW) - 2;
    if (events.row.subarray(top, Math.max(top, bottom)).includes(cursor)) return;
    list.scrollTop = Math.max(0, at - 3) * ROW;
  }, [events, cursor]);
  const e = text.trace.eventList;
  if (count === 0) return <p className="event-list-empty muted">{trace.outline ? e.outlined : e.none}</p>;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a list that holds only the rows in sight is no HTML table
    <div
      className="event-list"
      ref={scroller}
      role="table"
      aria-label={text.trace.views.events}
      aria-rowcount={count}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: a row of heads */}
      <div className="event-row head" role="row">
        {(["time", "event", "span", "said"] as const).map((column) => (
          // biome-ignore lint/a11y/useSemanticElements: see above
          // biome-ignore lint/a11y/useFocusableInteractive: a head
          <span key={column} role="columnheader" className={column === "event" ? "what" : column}>
            {e[column]}
          </span>
        ))}
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      <div role="rowgroup" className="event-list-space" style={{ height: (count + 1) * ROW }}>
        {Array.from({ length: last - first }, (_, i) => first + i).map((at) => {
          const row = events.row[at]!;
          return (
            <Event
              key={at}
              at={at}
              row={row}
              event={events.event[at]!}
              time={events.time[at]!}
              matched={matched.has(row)}
              state={state}
            />
          );
        })}
      </div>
    </div>
  );
}

function Event(props: {
  at: number;
  row: number;
  event: number;
  time: number;
  matched: boolean;
  state: TraceView;
}) {
  const { at, row, event, state } = props;
  const { trace } = state;
  const name = eventName(trace, event) || text.common.noName;
  const said = eventText(attributesOfEvent(trace, event));
  const span = `${serviceOf(trace, row) || text.common.noService} · ${nameOf(trace, row) || text.common.noName}`;
  const classes = ["event-row", row === state.cursor && "chosen", props.matched && "matched"];
  return (
    // biome-ignore lint/a11y/useSemanticElements: a list that holds only the rows in sight is no HTML table
    // biome-ignore lint/a11y/useKeyWithClickEvents: the span's button is for the keyboard
    // biome-ignore lint/a11y/useFocusableInteractive: see above
    <div
      role="row"
      aria-rowindex={at + 1}
      className={classes.filter(Boolean).join(" ")}
      style={{ top: at * ROW }}
      onClick={() => state.select(row)}
    >
      <Cell name="time num">+{formatDuration(props.time - trace.from)}</Cell>
      <Cell name={name === "exception" ? "what failed" : "what"}>{name}</Cell>
      <Cell name="span">
        <button
          type="button"
          className="ghost plain"
          title={span}
          onClick={(click) => {
            click.stopPropagation();
            state.select(row);
          }}
        >
          <Swatch name={serviceOf(trace, row)} />
          <CutName>{nameOf(trace, row) || text.common.noName}</CutName>
        </button>
      </Cell>
      <Cell name="said" title={said}>
        {said}
      </Cell>
    </div>
  );
}

function Cell(props: { name: string; title?: string; children: React.ReactNode }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a list that holds only the rows in sight is no HTML table
    <span role="cell" className={props.name} title={props.title}>
      {props.children}
    </span>
  );
}
