// Why the trace went as it did, in two sentences: what failed and how that went on, and what took the time.

import { Fragment, useMemo, useState } from "react";
import { formatDuration } from "../../base/format";
import { text } from "../../base/strings";
import { failureOf } from "../../model/cause";
import { pathTimeBelow, topOperations } from "../../model/critical";
import { errorMessage, toldBy, wasHandled } from "../../model/errors";
import { leftOut } from "../../model/outline";
import { nameOf, rootRow, serviceOf } from "../../model/trace";
import type { TraceView } from "./useTraceView";

/** Of a longer chain the middle is left out. */
const MOST_STEPS = 4;
/** Operations that are named, and the share of the duration from which one is worth it. */
const MOST_OPERATIONS = 3;
const LEAST_SHARE = 0.05;

export function Because({ state }: { state: TraceView }) {
  const { errors, path } = state;
  const [open, setOpen] = useState(false);
  if (errors.first < 0 && !path?.total) return null;
  return (
    <div className={open ? "because open" : "because"}>
      {errors.first >= 0 && <Failed state={state} />}
      {path && path.total > 0 && <Waited state={state} />}
      {/* Only where there is little room: see the styles. */}
      <button
        type="button"
        className="ghost because-more"
        aria-expanded={open}
        onClick={() => setOpen((old) => !old)}
      >
        {open ? text.trace.because.less : text.trace.because.more}
      </button>
    </div>
  );
}

/** A span as a link to its place. */
export function SpanLink({ state, row }: { state: TraceView; row: number }) {
  const { trace } = state;
  return (
    <button type="button" className="inline" onClick={() => state.select(row)}>
      {serviceOf(trace, row) || text.common.noService} · {nameOf(trace, row) || text.common.noName}
    </button>
  );
}

/** What a failure says of itself, in its own words or in those of the caller that found any. */
export function wordsOf(state: TraceView, row: number): string {
  const { trace } = state;
  const teller = toldBy(trace, row);
  const told = teller < 0 ? "" : text.trace.toldBy(serviceOf(trace, teller), errorMessage(trace, teller));
  return [errorMessage(trace, row), told].filter(Boolean).join(", ");
}

/** The failed callers of a failure, each a link. */
export function Chain({ state, rows }: { state: TraceView; rows: readonly number[] }) {
  const left = rows.length > MOST_STEPS ? rows.length - MOST_STEPS + 1 : 0;
  const shown = left ? [...rows.slice(0, MOST_STEPS - 2), ...rows.slice(-1)] : rows;
  return shown.map((row, i) => (
    <Fragment key={row}>
      {left > 0 && i === MOST_STEPS - 2 && ` → ${text.trace.because.stepsBetween(left)}`}
      {" → "}
      <SpanLink state={state} row={row} />
    </Fragment>
  ));
}

function Failed({ state }: { state: TraceView }) {
  const { trace, errors, path } = state;
  const left = useMemo(() => leftOut(trace), [trace]);
  const failed = errors.failed.length + left.errors;
  const size = trace.size + left.spans;
  const failure = useMemo(() => failureOf(trace, errors.first), [trace, errors]);
  const b = text.trace.because;
  const message = wordsOf(state, failure.origin);
  // Where the whole request failed, all of the time is below the failure; what began it says more.
  const part = failure.call === rootRow(trace) ? [failure.origin] : [failure.call, ...failure.again];
  const time = path?.total ? part.reduce((sum, r) => sum + pathTimeBelow(path, trace, r), 0) : undefined;
  return (
    <p className="because-failed">
      {failed === 1 ? text.trace.oneFailed(size) : text.trace.failed(failed, size)}
      {"; "}
      {failed === 1 ? text.trace.itIs : text.trace.first} <SpanLink state={state} row={failure.origin} />
      {message && ` (${message})`}
      <Chain state={state} rows={failure.chain} />
      {failure.again.length > 0 && `; ${b.again(failure.again.length, failure.recovered)}`}
      {b.stop}
      {failure.again.length === 0 && wasHandled(trace, failure.origin) && `${b.gap}${text.trace.handled}`}
      {time !== undefined && `${b.gap}${b.share(time, path!.total, part.length)}`}
    </p>
  );
}

function Waited({ state }: { state: TraceView }) {
  const { trace } = state;
  const path = state.path!;
  const top = useMemo(() => topOperations(trace, path, MOST_OPERATIONS), [trace, path]);
  const told = top.filter((o, i) => i === 0 || o.time >= LEAST_SHARE * path.total);
  return (
    <p className="because-path">
      <button
        type="button"
        className="ghost path-toggle"
        aria-pressed={state.pathAlone}
        title={text.trace.because.toggle}
        onClick={() => state.setPathAlone(!state.pathAlone)}
      >
        <span className="path-sign" aria-hidden="true" />
        {text.trace.because.path}
        <kbd>c</kbd>
      </button>{" "}
      {text.trace.because.ofTime(path.total)}{" "}
      {told.map((o, i) => (
        <Fragment key={o.row}>
          {i > 0 && ", "}
          <b className="num">{formatDuration(o.time)}</b>{" "}
          <small className="num muted">{Math.round((o.time / path.total) * 100)} %</small>{" "}
          <SpanLink state={state} row={o.row} />
        </Fragment>
      ))}
    </p>
  );
}
