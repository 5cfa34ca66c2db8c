// This trace beside another one, or beside the average of traces like it.

import { type ReactNode, useMemo } from "react";
import { ApiError } from "../../api/client";
import { useAnalysis, useTrace } from "../../api/queries";
import { formatDateTime, formatDuration } from "../../base/format";
import { text } from "../../base/strings";
import { Link } from "../../components/Header";
import { Empty, Failure } from "../../components/Notice";
import { ownPathTime } from "../../model/critical";
import { modelShown } from "../../model/load";
import { nameOf, rootRow, serviceOf, type Trace } from "../../model/trace";
import { comparePaths } from "../../model/traceDifference";
import { averagePaths, pathsOfTrace, pathTimes } from "../../model/tracePaths";
import { CompareForm } from "./CompareForm";
import { CompareTable } from "./CompareTable";
import { type TraceView, TYPICAL, usePath } from "./useTraceView";

/** Nanoseconds before the trace of which the typical one is made. */
const DAY = 86_400_000_000_000n;

export function Compare({ state }: { state: TraceView }) {
  const { other, trace } = state;
  return (
    <div className="compare">
      <CompareForm key={other} state={state} />
      {other === TYPICAL ? (
        <WithTypical state={state} />
      ) : other === trace.traceId ? (
        <p className="compare-empty">{text.trace.compare.same}</p>
      ) : (
        <WithTrace state={state} traceId={other} />
      )}
    </div>
  );
}

const nameOfRoot = (trace: Trace, row: number) =>
  `${serviceOf(trace, row) || text.common.noService} · ${nameOf(trace, row) || text.common.noName}`;

function WithTypical({ state }: { state: TraceView }) {
  const { trace, work } = state;
  const root = rootRow(trace);
  const [service, name] = [serviceOf(trace, root), nameOf(trace, root)];
  const conditions = [
    `trace:rootService = ${JSON.stringify(service)}`,
    `trace:rootName = ${JSON.stringify(name)}`,
    `trace:id != "${trace.traceId}"`,
  ];
  const from = trace.startNanos + BigInt(Math.floor(trace.from)) - DAY;
  const query = useAnalysis("flame", {
    q: `{ ${conditions.join(" && ")} }`,
    start: String(from > 0n ? from : 0n),
    end: String(trace.startNanos + BigInt(Math.ceil(trace.to)) + 1n),
  });
  const flame = query.data;
  const found = useMemo(() => {
    if (!flame || flame.traceCount === 0) return undefined;
    const [here, there] = [pathsOfTrace(trace, work), averagePaths(flame, service, name)];
    return { here, there, differences: comparePaths(here, there) };
  }, [flame, trace, work, service, name]);
  const c = text.trace.compare;
  if (query.isPending || query.isPlaceholderData) return <Wait />;
  if (query.error) return <Failed error={query.error} retry={() => query.refetch()} />;
  if (!found) return <p className="compare-empty">{c.noTypical(nameOfRoot(trace, root))}</p>;
  const { traceCount, sampledOneOf, stats } = query.data;
  return (
    <CompareTable state={state} {...found} measure={c.inSelf}>
      {c.withTypical(traceCount, nameOfRoot(trace, root))}
      {sampledOneOf > 1 && ` (${c.sampled(sampledOneOf)})`}
      {!stats.complete && ` (${stats.incompleteReason})`}
    </CompareTable>
  );
}

function WithTrace({ state, traceId }: { state: TraceView; traceId: string }) {
  const { trace, work, path, raw } = state;
  const query = useTrace(traceId);
  const loaded = query.data;
  const there = useMemo(() => {
    if (!loaded) return undefined;
    const { trace, work } = modelShown(loaded, raw);
    return { trace, paths: pathsOfTrace(trace, work) };
  }, [loaded, raw]);
  const waitHere = usePath(trace, trace.traceId);
  const { path: theirs, pending: waitThere } = usePath(there?.trace, traceId);
  const found = useMemo(() => {
    if (!there) return undefined;
    const here = pathsOfTrace(trace, work);
    const times = path &&
      theirs && {
        here: pathTimes(here, (row) => ownPathTime(path, row)),
        there: pathTimes(there.paths, (row) => ownPathTime(theirs, row)),
      };
    const differences = comparePaths(here, there.paths, times);
    return { here, there: there.paths, differences, onPath: times !== undefined };
  }, [trace, work, path, there, theirs]);
  const c = text.trace.compare;
  if (query.error instanceof ApiError && query.error.problem.status === 404)
    return (
      <Empty title={text.trace.notFound}>
        <p className="mono">{traceId}</p>
        <p>{text.trace.notFoundHint}</p>
      </Empty>
    );
  if (query.error) return <Failed error={query.error} retry={() => query.refetch()} />;
  // The order of the table depends on the critical paths: it is shown once it is certain.
  if (!found || !there || waitHere.pending || waitThere) return <Wait />;
  const root = rootRow(there.trace);
  return (
    <CompareTable state={state} {...found} other={there.trace} measure={found.onPath ? c.onPath : c.inSelf}>
      {c.withTrace} <Link to={`/trace/${traceId}`}>{root < 0 ? traceId : nameOfRoot(there.trace, root)}</Link>{" "}
      <span className="num">
        {formatDuration(there.paths.duration)}, {formatDateTime(Number(there.trace.startNanos / 1_000_000n))}
      </span>
    </CompareTable>
  );
}

const Wait = () => <p className="compare-empty muted">{text.common.loading}</p>;

function Failed({ error, retry }: { error: unknown; retry: () => void }): ReactNode {
  if (!(error instanceof ApiError)) throw error;
  return <Failure error={error} onRetry={retry} />;
}
