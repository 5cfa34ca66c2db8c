import { expect, test } from "vitest";
import type { MetricsResult } from "../api/analysis";
import type { AnyValue } from "../api/types";
import {
  countsBy,
  countsOf,
  durationsBy,
  ENTRY,
  errorShare,
  ofService,
  QUANTILES,
  quantilesOf,
  ratesOf,
  redBy,
  SERVICE,
  sharesOf,
  spansWith,
} from "./red";

/** An answer from lines such as "service=cart status=error: 1 2 -". */
function answer(...lines: string[]): MetricsResult {
  const series = lines.map((line) => {
    const [labels, points] = line.split(": ");
    return {
      labels: labels!.split(" ").map((label) => {
        const [name, value] = label.split("=");
        return { name: name === "service" ? SERVICE : name!, value: literal(value!) };
      }),
      points: points!.split(" ").map((n) => (n === "-" ? null : Number(n))),
    };
  });
  return { series, startTimeUnixNano: "0", stepNanos: "1", share: 1, stats: {} as MetricsResult["stats"] };
}

const literal = (text: string): AnyValue | null =>
  text === "nil" ? null : /^[\d.]+$/.test(text) ? { doubleValue: Number(text) } : { stringValue: text };

const COUNTS = answer(
  "service=cart status=unset: 10 0 90",
  "service=cart status=error: - 5 5",
  "service=nil status=ok: 1 0 0",
);

test("queries say which spans count, and what is asked of them", () => {
  expect(spansWith(ofService('a"b'), ENTRY)).toBe(
    '{ resource.service.name = "a\\"b" && (kind = server || kind = consumer || span:parentID = nil) }',
  );
  expect(spansWith(ofService(""))).toBe("{ resource.service.name = nil }");
  expect(countsOf("{}", "name")).toBe("{} | count_over_time() by (name, status)");
  expect(quantilesOf("{}", [0.5, 0.99])).toBe("{} | quantile_over_time(duration, 0.5, 0.99)");
});

test("counts of all statuses add up, and errors are those of one", () => {
  const counts = countsBy(COUNTS, [SERVICE]);
  expect(counts.get("cart")).toEqual({ all: [10, 5, 95], errors: [0, 5, 5] });
  expect(counts.get("")).toEqual({ all: [1, 0, 0], errors: [0, 0, 0] });
  expect(sharesOf(counts.get("cart")!)).toEqual([0, 1, 5 / 95]);
  expect(sharesOf(counts.get("")!)).toEqual([0, null, null]);
});

test("figures join counts and quantiles, in nanoseconds", () => {
  const quantiles = answer(
    "service=cart p=0.5: 0.01",
    "service=cart p=0.95: 0.2",
    "service=cart p=0.99: 1.5",
  );
  const red = redBy(countsBy(COUNTS, [SERVICE]), quantiles, [SERVICE]);
  expect(red.get("cart")).toEqual({ count: 110, errors: 10, p50: 1e7, p95: 2e8, p99: 1.5e9 });
  expect(errorShare(red.get("cart")!)).toBeCloseTo(0.0909, 4);
  expect(red.get("")).toEqual({ count: 1, errors: 0 });
  expect(durationsBy(quantiles, [SERVICE], QUANTILES[1]).get("cart")).toEqual([2e8]);
});

test("the last interval is as long as it has lasted, and is left out while it has hardly begun", () => {
  const minute = 60_000;
  expect(ratesOf([60, 120, 30], { from: 0, to: 2.5 * minute, step: minute })).toEqual([1, 2, 1]);
  expect(ratesOf([60, 120, 3], { from: 0, to: 2.1 * minute, step: minute })).toEqual([1, 2, null]);
});
