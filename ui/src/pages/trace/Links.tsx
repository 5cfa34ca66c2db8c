// Links of a span, both ways: those it carries, those of this trace's spans, and those of other traces.

import { useMemo } from "react";
import { useLinkingTraces } from "../../api/queries";
import { formatDateTime, formatDuration, nanosToMillis } from "../../base/format";
import { text } from "../../base/strings";
import { Link } from "../../components/Header";
import { Swatch } from "../../components/Service";
import { linksOf, linksTo } from "../../model/detail";
import { idOf } from "../../model/trace";
import { tracePath } from "../../state/router";
import { AttributeList } from "./AttributeList";
import { SpanLink } from "./Because";
import { Section } from "./Section";
import type { TraceView } from "./useTraceView";
import type { WholeSpan } from "./useWholeSpan";

export function Links({ trace, row }: WholeSpan) {
  const links = useMemo(() => linksOf(trace, row), [trace, row]);
  if (links.length === 0) return null;
  return (
    <Section title={text.trace.panel.links} count={links.length}>
      {links.map((link, i) => (
        <div className="event" key={i}>
          <Link to={tracePath(link.traceId, link.spanId)} className="mono">
            {link.traceId === trace.traceId ? text.trace.panel.linkThisTrace : link.traceId.slice(0, 16)} ·{" "}
            {link.spanId}
          </Link>
          {link.attributes.length > 0 && <AttributeList attributes={link.attributes} scope="link" />}
        </div>
      ))}
    </Section>
  );
}

/** Who links to the span. Whether any other trace does is asked once a trace, which span it means when it is shown. */
export function LinkedFrom({ state }: { state: TraceView }) {
  const { trace, cursor } = state;
  const own = useMemo(() => linksTo(trace, cursor), [trace, cursor]);
  const any = useLinkingTraces(trace.traceId);
  const others = useLinkingTraces(trace.traceId, idOf(trace, cursor), (any.data?.length ?? 0) > 0);
  const traces = others.data ?? [];
  if (own.length + traces.length === 0) return null;
  return (
    <Section title={text.trace.panel.linkedFrom} count={own.length + traces.length}>
      {own.map((row) => (
        <p className="event" key={row}>
          <SpanLink state={state} row={row} />
        </p>
      ))}
      {traces.map((t) => (
        <p className="event" key={t.traceId}>
          <Link to={tracePath(t.traceId)}>
            <Swatch name={t.rootService} /> {t.rootService} · {t.rootName || text.common.noName}
          </Link>
          <span className="num muted">
            {formatDuration(Number(t.durationNanos))} · {formatDateTime(nanosToMillis(t.startTimeUnixNano))}
          </span>
        </p>
      ))}
    </Section>
  );
}
