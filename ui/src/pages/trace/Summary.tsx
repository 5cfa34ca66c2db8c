// The head of the page: which trace this is, how it went, and why.

import { useMemo } from "react";
import { formatClockMillis, formatDate, formatDuration, formatExact } from "../../base/format";
import { text } from "../../base/strings";
import { CopyButton } from "../../components/CopyButton";
import { Link } from "../../components/Header";
import { ErrorMark, Icon } from "../../components/Icon";
import { ServiceChip, Swatch } from "../../components/Service";
import type { Errors } from "../../model/errors";
import { leftOut } from "../../model/outline";
import { nameOf, rootRow, serviceOf, type Trace } from "../../model/trace";
import { Because } from "./Because";
import { resultsPath } from "./useTraceKeys";
import type { TraceView } from "./useTraceView";

export function Summary({ state }: { state: TraceView }) {
  const { trace, errors } = state;
  const root = rootRow(trace);
  const services = useMemo(() => countServices(trace, errors), [trace, errors]);
  const left = useMemo(() => leftOut(trace), [trace]);
  const failed = errors.failed.length + left.errors;
  const size = trace.size + left.spans;
  const start = Number(trace.startNanos / 1_000_000n);
  const levels = useMemo(() => trace.depth.reduce((most, d) => Math.max(most, d + 1), 0), [trace]);
  return (
    <div className="summary">
      <div className="summary-line">
        <Link to={resultsPath()} className="ghost back">
          <Icon name="left" />
          {text.trace.back}
        </Link>
        <h1>
          {root >= 0 && <Swatch name={serviceOf(trace, root)} />}
          <span className="service">{root >= 0 ? serviceOf(trace, root) : ""}</span>
          <span className="operation">{root >= 0 ? nameOf(trace, root) || text.common.noName : ""}</span>
        </h1>
        <ul className="figures num">
          <li className={failed ? "failed" : "muted"}>
            {failed > 0 && <ErrorMark label="" />}
            {failed > 0 ? text.common.errors(failed) : text.trace.noErrors}
          </li>
          <li className="strong">{formatDuration(trace.to - trace.from)}</li>
          <li title={left.spans > 0 ? formatExact(size) : text.trace.levels(formatExact(size), levels)}>
            {text.common.spans(size)}
          </li>
          <li>{text.common.services(services.length)}</li>
          <li>
            {formatDate(start)} {formatClockMillis(start)}
          </li>
          <li className="trace-id mono" title={trace.traceId}>
            {trace.traceId.slice(0, 8)}
            <CopyButton value={trace.traceId} label={`${text.common.copy}: ${text.trace.panel.traceId}`} />
          </li>
          <li>
            <button type="button" className="ghost" onClick={() => state.setName("compare")}>
              {text.trace.compare.button}
            </button>
          </li>
          <li>
            <Export traceId={trace.traceId} />
          </li>
        </ul>
      </div>
      <Because state={state} />
      <div className="legend">
        {services.map((s) => (
          <ServiceChip key={s.name} name={s.name} count={s.count} errors={s.errors} />
        ))}
      </div>
    </div>
  );
}

/** The whole trace as a file, in the formats of the APIs. */
function Export({ traceId }: { traceId: string }) {
  return (
    <details className="export">
      <summary>{text.trace.export}</summary>
      <div className="value-menu">
        <a href={`/api/kiseki/v1/traces/${traceId}`} download={`${traceId}.otlp.json`}>
          OTLP/JSON
        </a>
        <a href={`/api/traces/${traceId}`} download={`${traceId}.jaeger.json`}>
          Jaeger JSON
        </a>
      </div>
    </details>
  );
}

function countServices(trace: Trace, errors: Errors) {
  if (trace.outline)
    return trace.outline.services.map((s) => ({ name: s.name, count: s.spanCount, errors: s.errorCount }));
  const counts = trace.services.map((name) => ({ name, count: 0, errors: 0 }));
  for (let r = 0; r < trace.size; r++) {
    const entry = counts[trace.service[r]!]!;
    entry.count++;
    if (errors.mark[r]) entry.errors++;
  }
  return counts.filter((c) => c.count > 0).sort((a, b) => b.count - a.count);
}
