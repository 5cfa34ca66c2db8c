import { type ReactNode, useMemo } from "react";
import { formatDuration, formatExact } from "../../base/format";
import { text } from "../../base/strings";
import { Link } from "../../components/Header";
import { Swatch } from "../../components/Service";
import { SortHead } from "../../components/SortHead";
import { readOrder, sorted } from "../../model/sorting";
import { idOf, type Trace } from "../../model/trace";
import { judge, type PathDifference } from "../../model/traceDifference";
import type { Paths, PathsOfTrace } from "../../model/tracePaths";
import { tracePath, useLocation } from "../../state/router";
import { CutName } from "./CutName";
import { ShownAlone } from "./ShownAlone";
import type { TraceView } from "./useTraceView";

/** Rows that are shown; what explains less is no help. */
const MOST = 300;
const COLUMNS = ["name", "explains", "total", "self", "count", "errors"] as const;
/** An average of fewer spans than this is none that a trace misses. */
const EXPECTED = 0.5;

interface Compared {
  readonly state: TraceView;
  readonly here: PathsOfTrace;
  readonly there: Paths | PathsOfTrace;
  readonly differences: readonly PathDifference[];
  /** The other trace, where it is one. */
  readonly other?: Trace;
  /** What `explains` measures. */
  readonly measure: string;
  /** With what the trace is compared, in words. */
  readonly children: ReactNode;
}

export function CompareTable(props: Compared) {
  const { state, here, differences, measure } = props;
  const { params } = useLocation();
  const written = params.get("sort") ?? "";
  const order = readOrder(COLUMNS.some((c) => c === written.replace(/^-/, "")) ? written : "-explains");
  const c = text.trace.compare;
  const most = Math.max(1, ...differences.map((d) => Math.abs(d.explains)));
  const rows = useMemo(() => {
    const figure = (d: PathDifference): number | string => {
      switch (order.column) {
        case "name":
          return `${d.service} ${d.name}`;
        case "explains":
          return Math.abs(d.explains);
        default: {
          const column = order.column as "total" | "self" | "count" | "errors";
          return d.ours[column] - d.theirs[column];
        }
      }
    };
    return sorted(differences, order.down, figure, (d) => `${d.service} ${d.name}`);
  }, [differences, order.column, order.down]);
  const matched = useMemo(
    () => new Set(Array.from(state.matches, (r) => here.of[r]!)),
    [state.matches, here],
  );
  const chosen = state.cursor < 0 ? -1 : here.of[state.cursor]!;
  return (
    <>
      <Sentence {...props} />
      <ShownAlone trace={props.other?.outline && !state.trace.outline ? props.other : state.trace} />
      <div className="compare-scroll">
        <table>
          <thead>
            <tr>
              {COLUMNS.map((column) => (
                <SortHead
                  key={column}
                  column={column}
                  name={c.columns[column]}
                  order={order}
                  param="sort"
                  named={column === "name"}
                  title={column === "explains" ? measure : c.legend}
                />
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, MOST).map((d) => (
              <Row
                key={`${d.here} ${d.there}`}
                {...props}
                d={d}
                most={most}
                chosen={d.here >= 0 && d.here === chosen}
                matched={matched.has(d.here)}
              />
            ))}
          </tbody>
        </table>
        {rows.length > MOST && <p className="muted compare-more">{c.more(rows.length - MOST)}</p>}
        <p className="muted compare-more">{c.legend}</p>
      </div>
    </>
  );
}

/** What the comparison comes to, in one sentence. */
function Sentence({ state, here, there, differences, children }: Compared) {
  const c = text.trace.compare;
  const { by, alike, causes } = useMemo(() => judge(differences, here, there), [differences, here, there]);
  const told = causes.map(({ at, why, time }) => {
    const d = differences[at]!;
    const name = nameOfPath(d);
    const words =
      why === "count"
        ? c.why.count(name, times(d.ours.count), times(d.theirs.count), Math.abs(time))
        : why === "self"
          ? c.why.self(name, time)
          : c.why[why](name, Math.abs(time));
    const row = d.here < 0 ? -1 : here.longest[d.here]!;
    if (row < 0) return <span key={at}>{words}</span>;
    return (
      <button type="button" className="inline" key={at} onClick={() => state.select(row)}>
        {words}
      </button>
    );
  });
  const failed = sum(here.errors);
  const before = sum(there.errors);
  return (
    <div className="compare-sentence" role="status">
      <p className="strong">
        {alike ? c.alike : by > 0 ? c.slower(by) : c.faster(by)}
        {!alike && ": "}
        {!alike && told.length === 0 && c.elsewhere}
        {told.map((one, i) => [i > 0 && "; ", one])}
        {told.length > 0 && text.trace.because.stop}
        {Math.abs(failed - before) >= 1 && (
          <span className={failed > before ? "failed" : undefined}>
            {" "}
            {c.moreErrors(figure(failed), figure(before))}
          </span>
        )}
      </p>
      <p className="muted">{children}</p>
    </div>
  );
}

function Row(props: Compared & { d: PathDifference; most: number; chosen: boolean; matched: boolean }) {
  const { d, state, here, there, other, differences } = props;
  const c = text.trace.compare;
  const name = d.name || text.common.noName;
  const above = pathAbove(differences, d);
  const title = `${above ? `${above} › ` : ""}${d.service} · ${name}`;
  const label = (
    <>
      <Swatch name={d.service} />
      <span className="service">{d.service || text.common.noService}</span>
      <CutName className="operation">{name}</CutName>
    </>
  );
  const longest = "longest" in there && d.there >= 0 ? there.longest[d.there]! : -1;
  return (
    <tr className={[props.chosen && "chosen", props.matched && "matched"].filter(Boolean).join(" ")}>
      <td title={title}>
        <div className="compare-name">
          {d.here >= 0 ? (
            <button type="button" className="ghost plain" onClick={() => state.select(here.longest[d.here]!)}>
              {label}
            </button>
          ) : other && longest >= 0 ? (
            <Link
              className="ghost plain"
              to={tracePath(other.traceId, idOf(other, longest))}
              label={`${c.openOther}: ${title}`}
            >
              {label}
            </Link>
          ) : (
            <span className="plain">{label}</span>
          )}
          {d.parent >= 0 && (
            <span className="compare-above">
              {c.under} <CutName>{nameOfPath(differences[d.parent]!)}</CutName>
            </span>
          )}
          {d.there < 0 && <span className="tag">{c.new}</span>}
          {d.here < 0 && d.theirs.count >= EXPECTED && <span className="tag">{c.missing}</span>}
        </div>
      </td>
      <td className="figure num compare-explains">
        <Diverging share={d.explains / props.most} />
        <span>{signed(d.explains)}</span>
      </td>
      <Both was={d.theirs.total} is={d.ours.total} said={formatDuration} />
      <Both was={d.theirs.self} is={d.ours.self} said={formatDuration} />
      <Both was={d.theirs.count} is={d.ours.count} said={figure} />
      <Both was={d.theirs.errors} is={d.ours.errors} said={figure} failed />
    </tr>
  );
}

/** A bar to the right of the middle for more time, to the left for less. */
function Diverging({ share }: { share: number }) {
  const width = `${Math.abs(share) * 50}%`;
  return (
    <span className="diverging" aria-hidden="true">
      <i
        className={share < 0 ? "less" : "more"}
        style={share < 0 ? { right: "50%", width } : { left: "50%", width }}
      />
    </span>
  );
}

/** Below this share of a difference two figures are the same to the eye. */
const SAME = 0.05;

function Both(props: { was: number; is: number; said: (value: number) => string; failed?: boolean }) {
  const { was, is, said, failed } = props;
  const same = Math.abs(is - was) <= SAME * Math.max(is, was);
  const tone = failed && is > 0 ? "failed" : same ? "muted" : "";
  return (
    <td className={`figure num ${tone}`}>
      {!same && <span className="muted">{said(was)} → </span>}
      {said(is)}
    </td>
  );
}

const nameOfPath = (d: PathDifference) =>
  `${d.service || text.common.noService} · ${d.name || text.common.noName}`;

/** The operations above, from the root down. */
function pathAbove(differences: readonly PathDifference[], d: PathDifference): string {
  const names: string[] = [];
  for (let at = d.parent; at >= 0; at = differences[at]!.parent) names.push(nameOfPath(differences[at]!));
  return names.reverse().join(" › ");
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** A count, or the average of counts. */
const figure = (count: number) =>
  Number.isInteger(count)
    ? formatExact(count)
    : count < 0.05
      ? "<0.1"
      : String(Number(count.toFixed(count < 10 ? 1 : 0)));

const times = (count: number) => `${figure(count)}×`;

const signed = (ns: number) => (ns > 0 ? `+${formatDuration(ns)}` : formatDuration(ns));
