import { useMemo } from "react";
import type { GraphEdge, Latency } from "../../api/analysis";
import { useAnalysis } from "../../api/queries";
import { standOf } from "../../api/red";
import { formatDuration, formatExact, formatRate, formatShare } from "../../base/format";
import { text } from "../../base/strings";
import { Link } from "../../components/Header";
import { Icon } from "../../components/Icon";
import { Swatch } from "../../components/Service";
import { callsOf } from "../../model/dependencies";
import { callsQuery } from "../../model/graphQuery";
import { ofService, spansWith } from "../../model/red";
import type { CompareTime } from "../../state/against";
import { searchPath, servicePath } from "../../state/router";
import { inTime } from "../../state/time";
import { Part } from "./Part";

/** Who calls the service, and whom it calls. */
export function Dependencies({ service, time }: { service: string; time: CompareTime }) {
  const graph = useAnalysis("graph", { q: spansWith(ofService(service)), ...time.now }, time.ready);
  const calls = useMemo(() => callsOf(graph.data?.edges ?? [], service), [graph.data, service]);
  const words = text.service.dependencies;
  return (
    <Part title={words.title} {...standOf([graph])}>
      {graph.isPending ? (
        <div className="part-wait" role="status" aria-label={text.common.loading} />
      ) : (
        <div className="part-columns">
          <Calls title={words.callers} none={words.noCallers} edges={calls.from} other="client" time={time} />
          <Calls title={words.callees} none={words.noCallees} edges={calls.to} other="server" time={time} />
        </div>
      )}
    </Part>
  );
}

function Calls(props: {
  title: string;
  none: string;
  edges: readonly GraphEdge[];
  /** The end of the edges that is not the service of the page. */
  other: "client" | "server";
  time: CompareTime;
}) {
  const words = text.service.dependencies;
  return (
    <div className="part-table">
      <table>
        <thead>
          <tr>
            <th scope="col">{props.title}</th>
            <th scope="col" className="figure">
              {text.overview.columns.rate}
            </th>
            <th scope="col" className="figure">
              {text.overview.columns.errors}
            </th>
            <th scope="col" className="figure" title={words.calledHint}>
              {words.called}
            </th>
            <th scope="col" className="figure" title={words.servedHint}>
              {words.served}
            </th>
            <th scope="col">
              <span className="hidden">{words.search}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {props.edges.map((edge) => (
            <tr key={`${edge[props.other]} ${edge.serverKind} ${edge.messaging}`}>
              <th scope="row">
                <Peer edge={edge} other={props.other} />
              </th>
              <td className="figure num" title={formatExact(edge.callCount)}>
                {formatRate(edge.callCount / props.time.nowSeconds)}
              </td>
              <td className={edge.errorCount > 0 ? "figure num failed" : "figure num muted"}>
                {formatShare(edge.errorCount / Math.max(1, edge.callCount))}
              </td>
              <td className="figure num">{tell(edge.clientLatency)}</td>
              <td className="figure num">{tell(edge.serverLatency)}</td>
              <td className="figure">
                <Link
                  className="ghost"
                  to={inTime(searchPath(tracesOf(edge)))}
                  label={words.searchCalls(edge.client || text.common.noService, edge.server)}
                >
                  <Icon name="search" />
                </Link>
              </td>
            </tr>
          ))}
          {props.edges.length === 0 && (
            <tr>
              <td colSpan={6} className="muted">
                {props.none}
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

function Peer({ edge, other }: { edge: GraphEdge; other: "client" | "server" }) {
  const name = edge[other];
  const kind = other === "client" ? "service" : edge.serverKind;
  return (
    <>
      {kind === "service" ? (
        <>
          <Swatch name={name} />
          <Link to={inTime(servicePath(name))}>{name || text.common.noService}</Link>
        </>
      ) : (
        <>
          <span className={`peer ${kind}`} aria-hidden="true" />
          {name} <small className="muted">{edge.serverSystem || text.service.dependencies.kinds[kind]}</small>
        </>
      )}
      {edge.messaging && kind === "service" && (
        <>
          {" "}
          <small className="muted">{text.service.dependencies.messages}</small>
        </>
      )}
    </>
  );
}

const tracesOf = (edge: GraphEdge) =>
  callsQuery({ kind: "service", name: edge.client }, { kind: edge.serverKind, name: edge.server }, edge);

const tell = (latency: Latency | undefined) =>
  latency && latency.count > 0 ? formatDuration(Number(latency.p95Nanos)) : "–";
