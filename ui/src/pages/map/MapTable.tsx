import { text } from "../../base/strings";
import { SortHead } from "../../components/SortHead";
import { type Calls, latencyOf, share } from "../../model/graph";
import { readOrder, sorted } from "../../model/sorting";
import { useLocation } from "../../state/router";
import { errorsOf, quantileOf, rateOf } from "./figures";
import { ChangeTag, PlaceName } from "./MapPanel";
import type { MapData } from "./useMap";

const COLUMNS = ["from", "to", "rate", "errors", "p50", "p90", "p99"] as const;
const RANK = { gone: 1, new: 2, worse: 3 } as const;

/** Every edge of the graph with its figures. */
export function MapTable(props: {
  data: MapData;
  selected: string | undefined;
  onSelect: (key: string) => void;
}) {
  const { data, selected, onSelect } = props;
  const { params } = useLocation();
  const columns: readonly (keyof typeof text.map.columns)[] = data.changes ? [...COLUMNS, "change"] : COLUMNS;
  const written = params.get("sort") ?? "-rate";
  const order = readOrder(columns.some((c) => c === written.replace(/^-/, "")) ? written : "-rate");
  const figure = (c: Calls): string | number | undefined => {
    const now = data.now.calls.get(c.key);
    switch (order.column) {
      case "from":
      case "to":
        return data.system.places.get(c[order.column])!.name;
      case "change": {
        const change = data.changes?.calls.get(c.key)?.change;
        return change && RANK[change];
      }
      case "rate":
        return now?.count;
      case "errors":
        return now && share(now.errors, now.count);
      default: {
        const latency = now && latencyOf(now);
        return latency && Number(latency[`${order.column as "p50"}Nanos`]);
      }
    }
  };
  const rows = sorted([...data.shown.calls.values()], order.down, figure, (c) => c.key);
  return (
    <div className="map-table">
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <SortHead
                key={column}
                column={column}
                name={text.map.columns[column]}
                order={order}
                param="sort"
                named={column === "from" || column === "to"}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((c) => {
            const now = data.now.calls.get(c.key);
            const change = data.changes?.calls.get(c.key)?.change;
            return (
              <tr key={c.key} className={c.key === selected ? "chosen" : undefined}>
                <td>
                  <PlaceName place={data.system.places.get(c.from)!} />
                </td>
                <td>
                  <button type="button" className="inline" onClick={() => onSelect(c.key)}>
                    <PlaceName place={data.system.places.get(c.to)!} />
                  </button>
                  {c.messaging && <small className="muted"> {text.map.message}</small>}
                </td>
                <td className="figure num">{now ? rateOf(now.count, data.seconds) : "–"}</td>
                <td className={now?.errors ? "figure num failed" : "figure num muted"}>
                  {now ? errorsOf(now) : "–"}
                </td>
                {(["p50Nanos", "p90Nanos", "p99Nanos"] as const).map((q) => (
                  <td key={q} className="figure num">
                    {now ? quantileOf(now, q) : "–"}
                  </td>
                ))}
                {data.changes && <td className="figure">{change && <ChangeTag change={change} />}</td>}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
