import { describe, expect, it } from "vitest";
import type { FoundSpan, TraceSummary } from "../api/types";
import { figuresOf, formatOf, seriesName } from "./series";
import { parseColumns, spanRows } from "./spanrows";

const span = (spanId: string) => ({ spanId }) as FoundSpan;
const trace = (traceId: string, matchedCount: number, ...sets: string[][]) =>
  ({
    traceId,
    matchedCount,
    spanSets: sets.map((ids) => ({ matchedCount: ids.length, spans: ids.map(span) })),
  }) as unknown as TraceSummary;

describe("spans found", () => {
  it("are rows in the order of their traces, each once, and say how many are not told", () => {
    const rows = spanRows([trace("t1", 5, ["a", "b"], ["b", "c"]), trace("t2", 1, ["d"]), trace("t3", 1)]);
    expect(rows.map((r) => `${r.trace.traceId} ${r.span.spanId} +${r.more}`)).toEqual([
      "t1 a +0",
      "t1 b +0",
      "t1 c +2",
      "t2 d +0",
    ]);
  });

  it("have columns from the URL", () => {
    expect(parseColumns('kind,span."a, b",kind, name')).toEqual(["kind", 'span."a, b"', "name"]);
    expect(parseColumns(",")).toEqual([]);
  });
});

describe("series", () => {
  const series = (points: (number | null)[], ...labels: [string, string][]) => ({
    points,
    labels: labels.map(([name, stringValue]) => ({ name, value: { stringValue } })),
  });

  it("are named by their labels", () => {
    expect(seriesName(series([]))).toBe("");
    expect(seriesName(series([], ["resource.service.name", "cart"]))).toBe("cart");
    expect(seriesName(series([], ["status", "ok"], ["span.http.route", "/"]))).toBe("status=ok route=/");
  });

  it("have figures; the last interval is not whole yet", () => {
    expect(figuresOf(series([1, null, 5, 0]))).toEqual({ last: 5, mean: 2, most: 5 });
    expect(figuresOf(series([null]))).toEqual({ last: null, mean: null, most: null });
  });

  it.each([
    ["{} | rate()", "0.5/s"],
    ["{} | quantile_over_time(duration, .9)", "500 ms"],
    ["{} | max_over_time(span:duration)", "500 ms"],
    ["{} | avg_over_time(span.bytes)", "0.5"],
    ["({ status = error } | rate()) / ({} | rate())", "0.5"],
  ])("of %s read as numbers of their kind", (query, half) => expect(formatOf(query)(0.5)).toBe(half));
});
