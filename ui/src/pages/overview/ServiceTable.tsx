import { text } from "../../base/strings";
import { Link } from "../../components/Header";
import { MeasureText, measuresOf } from "../../components/Measures";
import { Swatch } from "../../components/Service";
import { SortHead } from "../../components/SortHead";
import { Sparkline } from "../../components/Sparkline";
import type { Change } from "../../model/changes";
import { errorShare } from "../../model/red";
import { readOrder, sorted } from "../../model/sorting";
import { againstPath } from "../../state/against";
import { servicePath, useLocation } from "../../state/router";
import { inTime } from "../../state/time";
import type { Row } from "./useOverview";

const COLUMNS = ["service", "rate", "errors", "p50", "p95", "p99"] as const;
type Column = (typeof COLUMNS)[number];

const figureOf = (row: Row, column: string): number | string | undefined => {
  if (column === "service") return row.service;
  if (!row.now) return undefined;
  if (column === "rate") return row.now.count;
  if (column === "errors") return errorShare(row.now);
  return row.now[column as "p50"];
};

/** The services with their figures, those of before beside them. */
export function ServiceTable(props: {
  rows: readonly Row[];
  changes: readonly Change[];
  nowSeconds: number;
  beforeSeconds: number;
  when: string;
}) {
  const { params } = useLocation();
  const written = params.get("sort") ?? "-rate";
  const order = readOrder(COLUMNS.includes(written.replace(/^-/, "") as Column) ? written : "-rate");
  const rows = sorted(
    props.rows,
    order.down,
    (row) => figureOf(row, order.column),
    (row) => row.service,
  );
  const tones = new Map(props.changes.map((c) => [`${c.what} ${c.service}`, c.worse ? "worse" : ""]));
  return (
    <div className="overview-table">
      <table>
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <SortHead
                key={column}
                column={column}
                name={text.overview.columns[column]}
                order={order}
                param="sort"
                named={column === "service"}
                className={column === "service" ? "" : `figure of-${column}`}
                {...(column === "service" ? {} : { title: text.overview.entry })}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <ServiceRow key={row.service} row={row} tones={tones} {...props} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ServiceRow(props: {
  row: Row;
  tones: ReadonlyMap<string, string>;
  nowSeconds: number;
  beforeSeconds: number;
  when: string;
}) {
  const { row, when } = props;
  const { service, now, before } = row;
  const name = service || text.common.noService;
  const tone = (what: string) => props.tones.get(`${what} ${service}`);
  const head = (
    <th scope="row">
      <Swatch name={service} />
      <Link to={againstPath(inTime(servicePath(service)))}>{name}</Link>
    </th>
  );
  if (!now) {
    const silent = row.spans === 0;
    return (
      <tr className="silent">
        {head}
        <td colSpan={5} className="muted" title={silent ? undefined : text.overview.noEntryHint}>
          {silent ? text.overview.goneRow : `${text.overview.noEntry} · ${text.common.spans(row.spans)}`}
        </td>
      </tr>
    );
  }
  const measures = measuresOf(now, before, props.nowSeconds, props.beforeSeconds);
  return (
    <tr>
      {head}
      <td className="of-rate">
        <div className="measure">
          <Sparkline values={row.rates} label={text.overview.sparks.rate(name)} />
          <MeasureText of={measures.rate} when={when} />
        </div>
      </td>
      <td className="of-errors">
        <div className="measure">
          <Sparkline
            values={row.shares}
            label={text.overview.sparks.errors(name)}
            least={0.02}
            tone={now.errors > 0 ? "error" : undefined}
          />
          <MeasureText of={measures.errors} when={when} tone={tone("errors") && "failed"} />
        </div>
      </td>
      {(["p50", "p95", "p99"] as const).map((p) => (
        <td key={p} className={`of-${p}`}>
          <div className="measure">
            {p === "p95" && <Sparkline values={row.p95s} label={text.overview.sparks.p95(name)} />}
            <MeasureText of={measures[p]} when={when} tone={p === "p95" ? tone("latency") && "warned" : ""} />
          </div>
        </td>
      ))}
    </tr>
  );
}
