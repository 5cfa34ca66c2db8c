import { useEffect, useMemo } from "react";
import { ApiError } from "../../api/client";
import { useTrace } from "../../api/queries";
import { formatDuration } from "../../base/format";
import { text } from "../../base/strings";
import { Link } from "../../components/Header";
import { Empty, Failure, Notice, Waiting } from "../../components/Notice";
import { Splitter } from "../../components/Splitter";
import type { Loaded } from "../../model/load";
import { leftOut } from "../../model/outline";
import { missingParent, nameOf, rootRow, serviceOf } from "../../model/trace";
import { Compare } from "./Compare";
import { ErrorList } from "./ErrorList";
import { EventList } from "./EventList";
import { Flame } from "./Flame";
import { Minimap } from "./Minimap";
import { SpanPanel } from "./SpanPanel";
import { Statistics } from "./Statistics";
import { Summary } from "./Summary";
import { Toolbar } from "./Toolbar";
import { TraceGraph } from "./TraceGraph";
import { TreeTable } from "./TreeTable";
import { useTraceKeys } from "./useTraceKeys";
import { type TraceView, useTraceView, type ViewName } from "./useTraceView";
import { Waterfall } from "./Waterfall";
import { usePanelWidth } from "./widths";

/** The views in which time runs from left to right. */
const TIMED: ReadonlySet<ViewName> = new Set(["waterfall", "flame"]);

/** One trace. */
export default function TracePage({ traceId }: { traceId: string }) {
  const query = useTrace(traceId);
  useEffect(() => {
    document.title = `${traceId.slice(0, 8)} · ${text.product}`;
  }, [traceId]);
  if (query.data) return <LoadedTrace key={traceId} loaded={query.data} />;
  return (
    <main id="main" className="page">
      {query.error instanceof ApiError && query.error.problem.status === 404 ? (
        <Empty title={text.trace.notFound}>
          <p className="mono">{traceId}</p>
          <p>{text.trace.notFoundHint}</p>
          <div className="actions">
            <Link className="button" to="/search">
              {text.notFound.link}
            </Link>
          </div>
        </Empty>
      ) : query.error instanceof ApiError ? (
        <Failure error={query.error} onRetry={() => query.refetch()} />
      ) : (
        <Waiting title={text.trace.loading} />
      )}
    </main>
  );
}

function LoadedTrace({ loaded }: { loaded: Loaded }) {
  const state = useTraceView(loaded);
  useTraceKeys(state);
  const { panelWidth, least, most, setPanelWidth } = usePanelWidth();
  const { trace } = state;
  useEffect(() => {
    const root = rootRow(trace);
    if (root >= 0) document.title = `${serviceOf(trace, root)} · ${nameOf(trace, root)} · ${text.product}`;
  }, [trace]);
  return (
    <main id="main" className="trace-page">
      <Summary state={state} />
      <Notices state={state} />
      {TIMED.has(state.name) && <Minimap state={state} />}
      <Toolbar state={state} />
      <div
        className={state.panel ? "trace-body with-panel" : "trace-body"}
        style={{ "--panel-width": `${panelWidth}px` } as React.CSSProperties}
      >
        {state.name === "waterfall" && <Waterfall state={state} />}
        {state.name === "flame" && <Flame state={state} />}
        {state.name === "table" && <TreeTable state={state} />}
        {state.name === "graph" && <TraceGraph state={state} />}
        {state.name === "errors" && <ErrorList state={state} />}
        {state.name === "events" && <EventList state={state} />}
        {state.name === "statistics" && <Statistics state={state} />}
        {state.name === "compare" && <Compare state={state} />}
        {state.panel && (
          <div className="panel-place">
            <Splitter
              className="for-panel"
              label={text.trace.resizePanel}
              width={panelWidth}
              least={least}
              most={most}
              right
              onResize={setPanelWidth}
            />
            <SpanPanel key={state.cursor} state={state} />
          </div>
        )}
      </div>
    </main>
  );
}

function Notices({ state }: { state: TraceView }) {
  const { trace, skew, raw, focus } = state;
  const { stats, spans } = trace.columns;
  const left = useMemo(() => leftOut(trace), [trace]);
  const orphans = useMemo(() => Object.keys(spans.parentId).length, [spans]);
  const movedServices = useMemo(
    () => [...new Set(Array.from(skew.moved, (r) => serviceOf(trace, r)))],
    [skew, trace],
  );
  const names = movedServices.slice(0, 3).join(", ") + (movedServices.length > 3 ? ", …" : "");
  return (
    <>
      {!stats.complete && <Notice>{text.trace.partial(stats.incompleteReason ?? "")}</Notice>}
      {state.moreFailed && <Notice>{text.trace.moreFailed(state.moreFailed.message)}</Notice>}
      {left.spans > 0 && (
        <Notice>{text.trace.outlined(trace.size, trace.size + left.spans, left.errors)}</Notice>
      )}
      {skew.moved.length > 0 && (
        <Notice>
          {text.trace.skew(skew.moved.length, skew.most, names)}
          {text.trace.because.gap}
          {raw ? text.trace.skewRaw : text.trace.skewShown}{" "}
          <button type="button" className="inline" onClick={() => state.setRaw(!raw)}>
            {raw ? text.trace.skewAdjust : text.trace.skewAsSent}
          </button>
        </Notice>
      )}
      {orphans > 0 && <Notice>{text.trace.missingCount(orphans)}</Notice>}
      {focus >= 0 && (
        <p className="notice focus-notice">
          <span>
            {text.trace.unfocus(`${serviceOf(trace, focus)} · ${nameOf(trace, focus)}`)},{" "}
            <span className="num">{formatDuration(trace.duration[focus]!)}</span>
            {missingParent(trace, focus) && ` (${text.trace.missing})`}{" "}
            <button type="button" className="inline" onClick={() => state.setFocus(-1)}>
              {text.trace.showAll}
            </button>
          </span>
        </p>
      )}
    </>
  );
}
