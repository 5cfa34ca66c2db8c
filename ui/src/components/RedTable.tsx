import type { ReactNode } from "react";
import type { RedGroup } from "../api/red";
import { formatShare } from "../base/format";
import { text } from "../base/strings";
import { errorShare } from "../model/red";
import { readOrder, sorted } from "../model/sorting";
import type { CompareTime } from "../state/against";
import { useLocation } from "../state/router";
import { MeasureText, measuresOf } from "./Measures";
import { SortHead } from "./SortHead";
import { Sparkline } from "./Sparkline";

/** A row of the table. */
export interface RedRow {
  readonly group: RedGroup;
  /** What it is sorted and spoken of by. */
  readonly name: string;
  readonly head: ReactNode;
  /** The share of the whole time spent, where the table has a column for it. */
  readonly time?: number | undefined;
  /** Which of its figures are worse in earnest. */
  readonly worse?: ReadonlySet<string>;
  /** Said in place of figures where there are none. */
  readonly silent?: { readonly words: string; readonly hint?: string | undefined } | undefined;
}

const LATENCIES = ["p50", "p95", "p99"] as const;

const figureOf = ({ group, name, time }: RedRow, column: string): number | string | undefined => {
  if (column === "name") return name;
  if (column === "time") return time;
  if (!group.now) return undefined;
  if (column === "rate") return group.now.count;
  if (column === "errors") return errorShare(group.now);
  return group.now[column as "p50"];
};

/** Groups of spans with their figures, those of before beside them. The order is the URL's `param`. */
export function RedTable(props: {
  title: string;
  rows: readonly RedRow[];
  time: CompareTime;
  param: string;
  /** Whether there is a column for the share of time. */
  timed?: boolean;
}) {
  const { rows, time, timed = false } = props;
  const { params } = useLocation();
  const columns = ["name", "rate", "errors", ...LATENCIES, ...(timed ? ["time"] : [])];
  const written = params.get(props.param) ?? "";
  const order = readOrder(columns.includes(written.replace(/^-/, "")) ? written : timed ? "-time" : "-rate");
  const names: Record<string, string> = { ...text.overview.columns, name: props.title };
  const ordered = sorted(
    rows,
    order.down,
    (row) => figureOf(row, order.column),
    (row) => row.name,
  );
  return (
    <div className="red-table">
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <SortHead
                key={column}
                column={column}
                name={names[column]!}
                order={order}
                param={props.param}
                named={column === "name"}
                className={column === "name" ? "" : `figure of-${column}`}
                {...(column === "name"
                  ? {}
                  : { title: column === "time" ? text.overview.timeHint : text.overview.entry })}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {ordered.map((row) => (
            <Row key={row.group.key} row={row} time={time} timed={timed} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ row, time, timed }: { row: RedRow; time: CompareTime; timed: boolean }) {
  const { group, name, worse } = row;
  const { now, before } = group;
  const head = <th scope="row">{row.head}</th>;
  if (!now)
    return (
      <tr className="silent">
        {head}
        <td colSpan={5 + Number(timed)} className="muted" title={row.silent?.hint}>
          {row.silent?.words ?? text.overview.goneRow}
        </td>
      </tr>
    );
  const when = text.overview.times[time.against];
  const measures = measuresOf(now, before, time.nowSeconds, time.beforeSeconds);
  return (
    <tr>
      {head}
      <td className="of-rate">
        <div className="measure">
          <Sparkline values={group.rates} label={text.overview.sparks.rate(name)} />
          <MeasureText of={measures.rate} when={when} />
        </div>
      </td>
      <td className="of-errors">
        <div className="measure">
          <Sparkline
            values={group.shares}
            label={text.overview.sparks.errors(name)}
            least={0.02}
            tone={now.errors > 0 ? "error" : undefined}
          />
          <MeasureText of={measures.errors} when={when} tone={worse?.has("errors") ? "failed" : ""} />
        </div>
      </td>
      {LATENCIES.map((p) => (
        <td key={p} className={`of-${p}`}>
          <div className="measure">
            {p === "p95" && group.p95s.length > 0 && (
              <Sparkline values={group.p95s} label={text.overview.sparks.p95(name)} />
            )}
            <MeasureText
              of={measures[p]}
              when={when}
              tone={p === "p95" && worse?.has("latency") ? "warned" : ""}
            />
          </div>
        </td>
      ))}
      {timed && (
        <td className="of-time">
          <div className="measure">
            <span className="track">
              <span className="fill" style={{ width: `${(row.time ?? 0) * 100}%` }} />
            </span>
            <span className="num">{formatShare(row.time ?? 0)}</span>
          </div>
        </td>
      )}
    </tr>
  );
}
