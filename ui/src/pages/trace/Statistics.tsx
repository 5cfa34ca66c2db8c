import { useMemo } from "react";
import { formatDuration, formatExact, formatShare } from "../../base/format";
import { text } from "../../base/strings";
import { Swatch } from "../../components/Service";
import { SortHead } from "../../components/SortHead";
import { readOrder, sorted } from "../../model/sorting";
import { GROUPINGS, type Grouping, type Statistics as Line, summarise } from "../../model/statistics";
import { setParams, useLocation } from "../../state/router";
import { CutName } from "./CutName";
import { ShownAlone } from "./ShownAlone";
import type { TraceView } from "./useTraceView";

const DURATIONS = ["average", "median", "p95", "longest"] as const;
const COLUMNS = ["name", "count", "errors", "self", "share", "total", ...DURATIONS] as const;
type Column = (typeof COLUMNS)[number];

const nameOf = (line: Line) => `${line.service} ${line.name}`.trim();

/** The trace summed up. A click finds the spans of a line in the waterfall. */
export function Statistics({ state }: { state: TraceView }) {
  const { trace, work } = state;
  const { params } = useLocation();
  const by = GROUPINGS.find((g) => g === params.get("group")) ?? "operation";
  const written = params.get("sort") ?? "";
  const order = readOrder(COLUMNS.some((c) => c === written.replace(/^-/, "")) ? written : "-self");
  const all = useMemo(() => summarise(trace, work, by), [trace, work, by]);
  const rows = useMemo(() => {
    const column = order.column as Column;
    return sorted(all, order.down, (line) => (column === "name" ? nameOf(line) : line[column]), nameOf);
  }, [all, order.column, order.down]);
  const most = Math.max(Number.MIN_VALUE, ...all.map((line) => line.share));
  const s = text.trace.statistics;
  return (
    <div className="statistics">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms */}
      <div className="statistics-by" role="group" aria-label={s.by}>
        <span className="muted">{s.by}</span>
        {GROUPINGS.map((grouping) => (
          <button
            type="button"
            className="ghost"
            key={grouping}
            aria-pressed={by === grouping}
            onClick={() => setParams({ group: grouping === "operation" ? "" : grouping })}
          >
            {s.groupings[grouping]}
          </button>
        ))}
      </div>
      <ShownAlone trace={trace} />
      <table>
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <SortHead
                key={column}
                column={column}
                name={column === "name" ? s.groupings[by] : s.columns[column]}
                order={order}
                param="sort"
                named={column === "name"}
                title={column === "share" ? s.shareHint : ""}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((line) => (
            <Row key={nameOf(line)} line={line} by={by} most={most} state={state} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ line, by, most, state }: { line: Line; by: Grouping; most: number; state: TraceView }) {
  const find = by === "service" ? line.service : line.name;
  return (
    <tr>
      <td title={nameOf(line)}>
        <button
          type="button"
          className="ghost plain"
          onClick={() => {
            state.setFind(find);
            state.setName("waterfall");
          }}
        >
          {by !== "kind" && <Swatch name={line.service} />}
          {by !== "kind" && <span className="service">{line.service || text.common.noService}</span>}
          {by !== "service" && <CutName className="operation">{line.name || text.common.noName}</CutName>}
        </button>
      </td>
      <td className="figure num">{formatExact(line.count)}</td>
      <td className={line.errors ? "figure num failed" : "figure num muted"}>{formatExact(line.errors)}</td>
      <td className="figure num">{formatDuration(line.self)}</td>
      <td className="figure num share">
        <span className="track">
          <span className="fill" style={{ width: `${(line.share / most) * 100}%` }} />
        </span>
        <span className="amount">{formatShare(line.share)}</span>
      </td>
      <td className="figure num">{formatDuration(line.total)}</td>
      {DURATIONS.map((column) => (
        <td key={column} className="figure num">
          {formatDuration(line[column])}
        </td>
      ))}
    </tr>
  );
}
