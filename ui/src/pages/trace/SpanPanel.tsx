// One span in full.

import { type ReactNode, useMemo } from "react";
import { ApiError } from "../../api/client";
import { formatClockMillis, formatDate, formatDuration } from "../../base/format";
import { text } from "../../base/strings";
import { CopyButton } from "../../components/CopyButton";
import { ErrorMark, Icon } from "../../components/Icon";
import { Failure } from "../../components/Notice";
import { Swatch } from "../../components/Service";
import { ownPathTime } from "../../model/critical";
import {
  attributesOf,
  cameByXRay,
  eventsOf,
  groupAttributes,
  isRunning,
  resourceOf,
  type SpanEvent,
  scopeOf,
} from "../../model/detail";
import { errorMessage, NO_ERROR, ORIGIN } from "../../model/errors";
import { idOf, KINDS, missingParent, nameOf, serviceOf } from "../../model/trace";
import { xrayIdOf } from "../../model/traceId";
import { AttributeList } from "./AttributeList";
import { LinkedFrom, Links } from "./Links";
import { Section } from "./Section";
import type { TraceView } from "./useTraceView";
import { useWholeSpan, type WholeSpan } from "./useWholeSpan";

const STATUSES = ["unset", "ok", "error"];

export function SpanPanel({ state }: { state: TraceView }) {
  const { trace, cursor: row, errors } = state;
  const mark = errors.mark[row]!;
  const message = mark === NO_ERROR ? "" : errorMessage(trace, row);
  return (
    <aside className="panel" aria-label={text.trace.panel.label}>
      <header className="panel-head">
        <h2>
          <Swatch name={serviceOf(trace, row)} />
          <span className="service">{serviceOf(trace, row)}</span>
          <span className="operation">{nameOf(trace, row) || text.common.noName}</span>
        </h2>
        <button
          type="button"
          className="ghost"
          onClick={() => state.setFocus(row)}
          title={text.trace.focus}
          aria-label={text.trace.focus}
        >
          <Icon name="focus" />
        </button>
        <button
          type="button"
          className="ghost"
          onClick={() => state.setPanel(false)}
          title={text.common.close}
          aria-label={text.common.close}
        >
          <Icon name="close" />
        </button>
      </header>
      <div className="panel-body">
        {mark !== NO_ERROR && (
          <p className="panel-error">
            <ErrorMark soft={mark !== ORIGIN} label={text.trace.panel.status} />
            <span>{message || (mark === ORIGIN ? text.trace.origin : text.trace.propagated)}</span>
          </p>
        )}
        <Facts state={state} />
        <Carried state={state} />
      </div>
    </aside>
  );
}

/** What the span carries; of a large trace it comes when it is looked at. */
function Carried({ state }: { state: TraceView }) {
  const { whole, query } = useWholeSpan(state.trace, state.cursor);
  if (query.error instanceof ApiError) return <Failure error={query.error} onRetry={() => query.refetch()} />;
  if (!whole) return <p className="muted">{text.common.loading}</p>;
  return <Whole state={state} whole={whole} />;
}

function Whole({ state, whole: { trace, row } }: { state: TraceView; whole: WholeSpan }) {
  const groups = useMemo(() => groupAttributes(attributesOf(trace, row)), [trace, row]);
  const events = useMemo(() => eventsOf(trace, row), [trace, row]);
  const dropped = trace.columns.spans.droppedAttrs[trace.source[row]!] ?? 0;
  return (
    <>
      {groups.map(({ group, attributes }) => (
        <Section key={group} title={text.trace.groups[group]!}>
          <AttributeList attributes={attributes} scope="span" />
        </Section>
      ))}
      {groups.length === 0 && <p className="muted">{text.trace.panel.noAttributes}</p>}
      {dropped > 0 && <p className="muted">{text.trace.panel.dropped(dropped)}</p>}
      {events.length > 0 && (
        <Section title={text.trace.panel.events} count={events.length}>
          {events.map((event, i) => (
            <Event key={i} event={event} />
          ))}
        </Section>
      )}
      <Links trace={trace} row={row} />
      <LinkedFrom state={state} />
      <Section title={text.trace.panel.resource} folded>
        <AttributeList attributes={resourceOf(trace, row)} scope="resource" />
      </Section>
      <Origin state={state} whole={{ trace, row }} />
    </>
  );
}

function Facts({ state }: { state: TraceView }) {
  const { trace, cursor: row, work, path } = state;
  const at = Number(trace.startNanos / 1_000_000n) + trace.start[row]! / 1e6;
  const p = text.trace.panel;
  return (
    <dl className="facts">
      <Fact name={p.duration}>
        <b className="num">{isRunning(trace, row) ? p.running : formatDuration(trace.duration[row]!)}</b>
      </Fact>
      <Fact name={p.self}>
        <span className="num">{formatDuration(work.self[row]!)}</span>
      </Fact>
      {path && ownPathTime(path, row) > 0 && (
        <Fact name={text.trace.because.path}>
          <span className="num">{formatDuration(ownPathTime(path, row))}</span>
        </Fact>
      )}
      <Fact name={p.start}>
        <span className="num">
          +{formatDuration(trace.start[row]! - trace.from)}
          <small>
            {" "}
            {formatDate(at)} {formatClockMillis(at)}
          </small>
        </span>
      </Fact>
      <Fact name={p.kind}>{KINDS[trace.kind[row]!] ?? trace.kind[row]}</Fact>
      <Fact name={p.status}>
        <span className={trace.status[row] === 2 ? "failed" : undefined}>
          {STATUSES[trace.status[row]!] ?? trace.status[row]}
        </span>
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Event({ event }: { event: SpanEvent }) {
  return (
    <div className={event.name === "exception" ? "event failed" : "event"}>
      <p>
        <b>{event.name || text.common.noName}</b>
        <span className="num muted">
          {event.offset < 0 ? "" : "+"}
          {formatDuration(event.offset)}
        </span>
      </p>
      {event.attributes.length > 0 && <AttributeList attributes={event.attributes} scope="event" />}
      {event.dropped > 0 && <p className="muted">{text.trace.panel.dropped(event.dropped)}</p>}
    </div>
  );
}

/** Where the span comes from: its instrumentation and its IDs. */
function Origin({ state, whole }: { state: TraceView; whole: WholeSpan }) {
  const { trace, cursor: row } = state;
  const scope = scopeOf(whole.trace, whole.row);
  const missing = missingParent(trace, row);
  const parentId = missing || (trace.parent[row]! >= 0 ? idOf(trace, trace.parent[row]!) : "");
  const { strings, spans } = whole.trace.columns;
  const state_ = strings[spans.traceState[whole.trace.source[whole.row]!]!] ?? "";
  const p = text.trace.panel;
  return (
    <>
      {scope.name && (
        <Section title={p.scope} folded>
          <p className="scope-name mono">
            {scope.name} {scope.version}
          </p>
          <AttributeList attributes={scope.attributes} scope="instrumentation" />
        </Section>
      )}
      <dl className="ids">
        <Identifier name={p.traceId} value={trace.traceId} />
        {cameByXRay(trace, row) && <Identifier name={p.xrayId} value={xrayIdOf(trace.traceId)} />}
        <Identifier name={p.spanId} value={idOf(trace, row)} />
        {parentId && <Identifier name={p.parentId} value={parentId} note={missing ? p.parentMissing : ""} />}
        {state_ && <Identifier name={p.traceState} value={state_} />}
      </dl>
    </>
  );
}

function Identifier({ name, value, note }: { name: string; value: string; note?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span className="mono">{value}</span>
        {note && <span className="tag">{note}</span>}
        <CopyButton value={value} label={`${text.common.copy}: ${name}`} />
      </dd>
    </div>
  );
}
