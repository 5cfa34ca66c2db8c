import { useMemo, useState } from "react";
import { formatDuration, formatExact } from "../../base/format";
import { text } from "../../base/strings";
import { Swatch } from "../../components/Service";
import { type OperationStatistics, summarise } from "../../model/statistics";
import type { TraceView } from "./useTraceView";

type Column = "count" | "errors" | "self" | "total" | "median" | "longest";
const COLUMNS: readonly Column[] = ["count", "errors", "self", "total", "median", "longest"];

/** The trace by service and operation. A click finds the operation's spans in the waterfall. */
export function Statistics({ state }: { state: TraceView }) {
  const { trace, work } = state;
  const all = useMemo(() => summarise(trace, work), [trace, work]);
  const [by, setBy] = useState<Column>("self");
  const sorted = useMemo(() => all.toSorted((a, b) => b[by] - a[by]), [all, by]);
  const most = Math.max(1, ...all.map((s) => s.self));
  const show = (s: OperationStatistics) => {
    state.setFind(s.name);
    state.setName("waterfall");
  };
  return (
    <div className="statistics">
      <table>
        <thead>
          <tr>
            <th scope="col">{text.trace.statistics.operation}</th>
            {COLUMNS.map((column) => (
              <th
                scope="col"
                key={column}
                className="figure"
                aria-sort={by === column ? "descending" : undefined}
              >
                <button type="button" className="ghost" onClick={() => setBy(column)}>
                  {text.trace.statistics[column]}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.map((s) => (
            <tr key={`${s.service} ${s.name}`}>
              <td>
                <button type="button" className="ghost plain" onClick={() => show(s)}>
                  <Swatch name={s.service} />
                  <span className="service">{s.service}</span>
                  <span className="operation">{s.name}</span>
                </button>
              </td>
              <td className="figure num">{formatExact(s.count)}</td>
              <td className={s.errors ? "figure num failed" : "figure num muted"}>{formatExact(s.errors)}</td>
              <td className="figure num self">
                <span className="track">
                  <span className="fill" style={{ width: `${(s.self / most) * 100}%` }} />
                </span>
                <span className="amount">{formatDuration(s.self)}</span>
              </td>
              <td className="figure num">{formatDuration(s.total)}</td>
              <td className="figure num">{formatDuration(s.median)}</td>
              <td className="figure num">{formatDuration(s.longest)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
