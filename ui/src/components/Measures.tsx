import { formatChange, formatDuration, formatExact, formatRate, formatShare } from "../base/format";
import { text } from "../base/strings";
import { errorShare, type Red } from "../model/red";
import { Delta } from "./Delta";

/** The figures of spans in words, and how they differ from before. */
export interface Measure {
  readonly name: string;
  readonly value: string;
  readonly exact?: string;
  readonly delta: string;
  readonly was: string | undefined;
  readonly failed?: boolean;
}

/** A difference of shares in percentage points; "" below a tenth. */
export function pointsOf(difference: number): string {
  const points = Math.abs(difference) * 100;
  if (points < 0.1) return "";
  return text.overview.points(`${difference < 0 ? "−" : "+"}${points.toFixed(points < 9.95 ? 1 : 0)}`);
}

/** Rate, error share and latencies; the lengths of the two times are in seconds. */
export function measuresOf(
  now: Red,
  before: Red | undefined,
  seconds: number,
  beforeSeconds: number,
): Record<"rate" | "errors" | "p50" | "p95" | "p99", Measure> {
  const { columns } = text.overview;
  const rate = now.count / seconds;
  const wasRate = before && before.count / beforeSeconds;
  const share = errorShare(now);
  const wasShare = before && errorShare(before);
  const count = formatExact(Math.round(now.count));
  const latency = (of: "p50" | "p95" | "p99"): Measure => {
    const [value, was] = [now[of], before?.[of]];
    return {
      name: columns[of],
      value: value === undefined ? "–" : formatDuration(value),
      delta: value === undefined || was === undefined ? "" : formatChange(value, was),
      was: was === undefined ? undefined : formatDuration(was),
    };
  };
  return {
    rate: {
      name: columns.rate,
      value: formatRate(rate),
      exact: count,
      delta: wasRate === undefined ? "" : formatChange(rate, wasRate),
      was: wasRate === undefined ? undefined : formatRate(wasRate),
    },
    errors: {
      name: columns.errors,
      value: formatShare(share),
      exact: `${formatExact(Math.round(now.errors))} / ${count}`,
      delta: wasShare === undefined ? "" : pointsOf(share - wasShare),
      was: wasShare === undefined ? undefined : formatShare(wasShare),
      failed: share > 0,
    },
    p50: latency("p50"),
    p95: latency("p95"),
    p99: latency("p99"),
  };
}

/** A figure with its difference; `when` says before when. */
export function MeasureText({ of, when, tone }: { of: Measure; when: string; tone?: string | undefined }) {
  return (
    <>
      <span
        className={of.failed === undefined ? "num" : of.failed ? "num failed" : "num muted"}
        title={of.exact}
      >
        {of.value}
      </span>
      <Delta tone={tone} title={of.was === undefined ? undefined : text.overview.was(of.was, when)}>
        {of.delta}
      </Delta>
    </>
  );
}
