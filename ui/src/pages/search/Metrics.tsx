// The answer to a metrics query: a chart of its series, and a table of all of them.

import type { MetricsResult, Series } from "../../api/analysis";
import { categoryColor, serviceColor } from "../../base/color";
import { nanosToMillis } from "../../base/format";
import { text } from "../../base/strings";
import { Empty } from "../../components/Notice";
import { TimeChart } from "../../components/TimeChart";
import { bySize, figuresOf, formatOf, seriesName } from "../../model/series";
import { zoomTo } from "../../state/time";

/** Lines beyond these cannot be told apart. */
const LINES = 12;
/** Rows beyond these are in no one's interest; the query has topk. */
const ROWS = 500;

export function Metrics(props: {
  query: string;
  result: MetricsResult;
  /** Until when there can be spans, in Unix milliseconds. */
  until: number;
  /** Whether the answer is to an earlier question. */
  old: boolean;
}) {
  const { query, result, old } = props;
  const series = bySize(result.series);
  if (series.length === 0) return <Empty title={text.search.metrics.empty} />;
  const format = formatOf(query);
  const words = text.search.metrics;
  const names = series.map((s) => seriesName(s) || words.all);
  const lines = series.slice(0, LINES).map((s, i) => ({
    name: names[i]!,
    color: colorOf(s, names[i]!, i),
    values: s.points,
    filled: series.length === 1,
  }));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what is below is scrolled to with the keyboard
    <div className={old ? "metrics old" : "metrics"} aria-busy={old} tabIndex={0}>
      <TimeChart
        label={series.length > LINES ? words.largest(LINES, series.length) : words.chart}
        from={nanosToMillis(result.startTimeUnixNano)}
        step={Number(result.stepNanos) / 1e6}
        lines={lines}
        format={format}
        height={240}
        until={props.until}
        onZoom={zoomTo}
      />
      <table className="metrics-table" aria-label={words.table}>
        <thead>
          <tr>
            <th scope="col">{words.series}</th>
            <th scope="col" className="figure">
              {words.last}
            </th>
            <th scope="col" className="figure">
              {words.mean}
            </th>
            <th scope="col" className="figure">
              {words.most}
            </th>
          </tr>
        </thead>
        <tbody>
          {series.slice(0, ROWS).map((s, i) => {
            const { last, mean, most } = figuresOf(s);
            return (
              <tr key={JSON.stringify(s.labels)}>
                <th scope="row">
                  <i className="swatch" style={{ background: lines[i]?.color ?? "var(--line-2)" }} />{" "}
                  {names[i]}
                </th>
                {[last, mean, most].map((figure, j) => (
                  <td key={j} className="figure num">
                    {figure === null ? "–" : format(figure)}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
      {series.length > ROWS && <p className="muted">{words.rows(ROWS, series.length)}</p>}
    </div>
  );
}

const colorOf = (series: Series, name: string, index: number) =>
  series.labels.length === 1 && series.labels[0]!.name === "resource.service.name"
    ? serviceColor(name)
    : categoryColor(index);
