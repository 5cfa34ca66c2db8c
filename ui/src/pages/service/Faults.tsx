import { useMemo } from "react";
import { useFound } from "../../api/queries";
import { standOf } from "../../api/red";
import { formatCount, formatDateTime, formatExact } from "../../base/format";
import { text } from "../../base/strings";
import { Link } from "../../components/Header";
import { Icon } from "../../components/Icon";
import { conditionsOf, FAULT_FIELDS, type Fault, faultsOf } from "../../model/faults";
import { ofService, spansWith } from "../../model/red";
import type { CompareTime } from "../../state/against";
import { searchPath, tracePath } from "../../state/router";
import { inTime } from "../../state/time";
import { Part } from "./Part";

/** As many traces, and failed spans of each, as faults are gathered from. */
const TRACES = 500;
const SPANS = 50;
const SHOWN = 50;

/** How the service fails: its failed spans of any kind, in groups of one fault each. */
export function Faults({ service, time }: { service: string; time: CompareTime }) {
  const failed = spansWith(ofService(service), "status = error");
  const found = useFound(
    { q: `${failed} | select(${FAULT_FIELDS.join(", ")})`, limit: TRACES, spans: SPANS, ...time.now },
    time.ready,
  );
  const faults = useMemo(
    () =>
      faultsOf(
        (found.data?.traces ?? []).flatMap(({ traceId, spanSets }) =>
          (spanSets ?? []).flatMap(({ spans }) => spans.map((span) => ({ traceId, span }))),
        ),
      ),
    [found.data],
  );
  const words = text.service.faults;
  const cut = found.data?.nextCursor !== undefined;
  return (
    <Part
      title={words.title}
      hint={[words.hint, cut && words.ofLatest(found.data!.traces.length)].filter(Boolean).join(", ")}
      {...standOf([found])}
    >
      {found.isPending ? (
        <div className="part-wait" role="status" aria-label={text.common.loading} />
      ) : faults.length === 0 ? (
        <p className="muted part-none">{words.none}</p>
      ) : (
        <div className="part-table">
          <table className="faults">
            <thead>
              <tr>
                <th scope="col" className="figure">
                  {words.count}
                </th>
                <th scope="col">{words.what}</th>
                <th scope="col">{words.where}</th>
                <th scope="col">{cut ? words.since : words.first}</th>
                <th scope="col">{words.last}</th>
                <th scope="col">
                  <span className="hidden">{words.example}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {faults.slice(0, SHOWN).map((fault) => (
                <Row key={fault.key} fault={fault} service={service} at={time.windows.to} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Part>
  );
}

function Row({ fault, service, at }: { fault: Fault; service: string; at: number }) {
  const words = text.service.faults;
  const age = (millis: number) => (
    <td className="num" title={formatDateTime(millis)}>
      {text.common.ago(Math.max(0, at - millis))}
    </td>
  );
  return (
    <tr>
      <td className="figure num failed" title={formatExact(fault.count)}>
        {formatCount(fault.count)}
      </td>
      <td className="fault" title={fault.message}>
        <Link to={inTime(searchPath(spansWith(ofService(service), ...conditionsOf(fault))))}>
          {fault.template || fault.type || words.silent}
        </Link>
        {fault.template !== "" && fault.type !== "" && <small className="mono muted">{fault.type}</small>}
      </td>
      <td className="fault-where" title={fault.operations.join(", ")}>
        {fault.operations[0] || text.common.noName}
        {fault.operations.length > 1 && <small className="muted">+{fault.operations.length - 1}</small>}
        {fault.above.length > 0 && (
          <small className="muted above" title={words.aboveHint}>
            {words.above(fault.above[0] || text.common.noName, fault.above.length - 1)}
          </small>
        )}
      </td>
      {age(fault.first)}
      {age(fault.last)}
      <td className="figure">
        <Link className="ghost" to={tracePath(fault.traceId, fault.spanId)} label={words.example}>
          <Icon name="right" />
        </Link>
      </td>
    </tr>
  );
}
