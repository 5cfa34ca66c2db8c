// The services of the trace as a graph: how much of the time is whose, and who calls whom.

import { useCallback, useMemo } from "react";
import { formatCount, formatDuration, formatExact } from "../../base/format";
import { text } from "../../base/strings";
import type { Scene } from "../../canvas/graph";
import { GraphCanvas } from "../../components/graph/GraphCanvas";
import { share } from "../../model/graph";
import type { Layout } from "../../model/graphLayout";
import { serviceOf } from "../../model/trace";
import { graphOfTrace, type TraceGraph as Model, serviceKey } from "../../model/traceGraph";
import { ShownAlone } from "./ShownAlone";
import type { TraceView } from "./useTraceView";

/** Lines are drawn by calls a second; this many calls of a trace are drawn as one a second. */
const CALLS = 10;

export function TraceGraph({ state }: { state: TraceView }) {
  const { trace, work, errors, cursor, matches } = state;
  const model = useMemo(() => graphOfTrace(trace, work, errors), [trace, work, errors]);
  const matched = useMemo(() => {
    if (matches.length === 0) return undefined;
    return new Set(Array.from(matches, (r) => serviceKey(serviceOf(trace, r))));
  }, [trace, matches]);
  const sceneOn = useCallback((layout: Layout) => sceneOf(model, layout, matched), [model, matched]);
  const g = text.trace.graph;
  const placeLines = useMemo(
    () =>
      new Map(
        [...model.services].map(([key, s]) => [
          key,
          `${formatDuration(s.self)} · ${s.failed > 0 ? g.failed(s.failed, s.spans) : text.common.spans(s.spans)}`,
        ]),
      ),
    [model, g],
  );
  const edgeLines = useMemo(
    () =>
      new Map(
        [...model.calls].map(([key, c]) => {
          const failed = c.failed > 0 ? ` · ${text.common.errors(c.failed)}` : "";
          const line = `${formatCount(c.count)}× ${formatDuration(c.total / c.count)}${failed}`;
          return [key, { line, count: c.count, errors: c.failed }];
        }),
      ),
    [model],
  );
  return (
    <div className="trace-graph">
      <ShownAlone trace={trace} />
      <GraphCanvas
        shown={model.graph}
        scope={trace.traceId}
        sceneOn={sceneOn}
        placeLines={placeLines}
        edgeLines={edgeLines}
        selected={cursor < 0 ? undefined : serviceKey(serviceOf(trace, cursor))}
        walk
        onSelect={(key) => {
          const row = key === undefined ? -1 : (model.services.get(key) ?? model.calls.get(key))?.row;
          if (row !== undefined && row >= 0) state.select(row);
        }}
      >
        <p className="trace-graph-legend">{g.legend}</p>
      </GraphCanvas>
      <CallTable model={model} />
    </div>
  );
}

function sceneOf(model: Model, layout: Layout, matched: ReadonlySet<string> | undefined): Scene {
  const places: Scene["places"][number][] = [];
  for (const p of model.graph.places.values()) {
    const at = layout.places.get(p.key);
    if (!at) continue;
    const errorShare = share(p.errorCount, p.spanCount);
    const faded = matched !== undefined && !matched.has(p.key);
    places.push({ key: p.key, kind: p.kind, name: p.name, at, errorShare, faded, change: undefined });
  }
  const edges = [...model.graph.calls.values()].map((c) => ({
    key: c.key,
    way: layout.ways.get(c.key) ?? [],
    rate: c.count / CALLS,
    errorShare: share(c.errors, c.count),
    messaging: c.messaging,
    faded: matched !== undefined && !matched.has(c.to),
    change: undefined,
  }));
  return { places, edges: edges.filter((e) => e.way.length > 0) };
}

/** The lines of the graph in words, for those who cannot see them. */
function CallTable({ model }: { model: Model }) {
  const g = text.trace.graph;
  return (
    <table className="unseen">
      <caption>{g.calls}</caption>
      <thead>
        <tr>
          <th scope="col">{g.from}</th>
          <th scope="col">{g.to}</th>
          <th scope="col">{g.calls}</th>
          <th scope="col">{text.trace.table.errors}</th>
          <th scope="col">{g.average}</th>
          <th scope="col">{g.longest}</th>
        </tr>
      </thead>
      <tbody>
        {[...model.graph.calls.values()].map(({ key, from, to }) => {
          const c = model.calls.get(key)!;
          return (
            <tr key={key}>
              <td>{model.graph.places.get(from)!.name || text.common.noService}</td>
              <td>{model.graph.places.get(to)!.name || text.common.noService}</td>
              <td>{formatExact(c.count)}</td>
              <td>{formatExact(c.failed)}</td>
              <td>{formatDuration(c.total / c.count)}</td>
              <td>{formatDuration(c.longest)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
