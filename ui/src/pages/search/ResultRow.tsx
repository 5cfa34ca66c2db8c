import type { TraceSummary } from "../../api/types";
import { formatClock, formatDate, formatDuration, formatExact, nanosToMillis } from "../../base/format";
import { text } from "../../base/strings";
import { ErrorMark } from "../../components/Icon";
import { ServiceChip, Swatch } from "../../components/Service";
import { textsOf } from "../../model/spanrows";
import { tracePath, useLinkClick } from "../../state/router";

const MOST_CHIPS = 6;
/** Digits of a trace ID that people tell traces apart by; the trace page shows as many. */
const SHORT_ID = 8;
/** Exporters send every 5 s, and a root ends last: until then its absence says nothing. */
const ARRIVING_MS = 15_000;

/** A trace in the list of those found. */
export function ResultRow(props: {
  trace: TraceSummary;
  columns: readonly string[];
  top: number;
  height: number;
  share: number;
  now: number;
  chosen: boolean;
  picked: boolean;
  fresh: boolean;
  showMatched: boolean;
  onMark: (traceId: string | undefined) => void;
  onPick: (traceId: string) => void;
}) {
  const { trace, columns } = props;
  const to = tracePath(trace.traceId);
  const onClick = useLinkClick(to);
  const start = nanosToMillis(trace.startTimeUnixNano);
  const failed = trace.errorCount > 0;
  const service = trace.rootService || text.common.noService;
  const name = trace.rootName || text.common.noName;
  return (
    <li style={{ top: props.top, height: props.height }} className={props.fresh ? "fresh" : undefined}>
      <input
        type="checkbox"
        className="result-pick"
        checked={props.picked}
        aria-label={text.search.picks.pick(`${service} · ${name}`)}
        title={text.search.picks.hint}
        onChange={() => props.onPick(trace.traceId)}
      />
      <a
        href={to}
        onClick={onClick}
        className={props.chosen ? "result chosen" : "result"}
        onPointerEnter={() => props.onMark(trace.traceId)}
        onPointerLeave={() => props.onMark(undefined)}
      >
        <span className="result-name">
          <Swatch name={trace.rootService} />
          <span className="service">{service}</span>
          <span className="operation">{name}</span>
          <span className="result-id mono" title={trace.traceId}>
            {trace.traceId.slice(0, SHORT_ID)}
          </span>
          {trace.rootMissing &&
            (props.now - start < ARRIVING_MS ? (
              <span className="muted">{text.search.arriving}</span>
            ) : (
              <span className="tag">{text.search.rootMissing}</span>
            ))}
          {failed && <ErrorMark label={text.common.errors(trace.errorCount)} />}
        </span>
        <span className="result-services">
          {trace.services.slice(0, MOST_CHIPS).map((s) => (
            <ServiceChip key={s.name} name={s.name} count={s.spanCount} errors={s.errorCount} />
          ))}
          {trace.services.length > MOST_CHIPS && (
            <span className="muted">+{trace.services.length - MOST_CHIPS}</span>
          )}
        </span>
        <span className="result-duration">
          <span className="num">{formatDuration(Number(trace.durationNanos))}</span>
          <span className="track">
            <span
              className={failed ? "fill failed" : "fill"}
              style={{ width: `${Math.max(0.6, props.share * 100)}%` }}
            />
          </span>
        </span>
        {columns.map((column, i) => (
          <Values key={column} at={i} column={column} texts={textsOf(trace, column)} />
        ))}
        <span className="result-spans num" title={formatExact(trace.spanCount)}>
          {text.common.spans(trace.spanCount)}
          <small>
            {failed && <em>{text.common.errors(trace.errorCount)}</em>}
            {failed && props.showMatched && " · "}
            {props.showMatched && text.search.matched(trace.matchedCount)}
          </small>
        </span>
        <span className="result-time num">
          {formatDate(start)} {formatClock(start)}
          <small>{text.common.ago(props.now - start)}</small>
        </span>
      </a>
    </li>
  );
}

/** The values of a column: the first, and how many others there are. */
function Values({ at, column, texts }: { at: number; column: string; texts: readonly string[] }) {
  return (
    <span className="result-values" style={{ gridColumn: 3 + at }} title={`${column}: ${texts.join(", ")}`}>
      <span className="mono">{texts[0] ?? "–"}</span>
      {texts.length > 1 && <small>{text.search.columns.others(texts.length - 1)}</small>}
    </span>
  );
}
