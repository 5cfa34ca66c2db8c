import { describe, expect, it } from "vitest";
import { basesOf, byField, clauseOf, inRegion, parseRegion, printRegion } from "./compare";
import { isMetrics, narrowed, selecting, stagesOf } from "./pipeline";

describe("stages", () => {
  it.each([
    ["{}", ["{}"]],
    ["{ a = 1 || b = 2 } | count() > 2", ["{ a = 1 || b = 2 }", "count() > 2"]],
    [
      '{ name = "a|b" } | by(status) | max(duration) > 1s',
      ['{ name = "a|b" }', "by(status)", "max(duration) > 1s"],
    ],
    ["({ a = 1 } | count() > 3) >> { b = 2 }", ["({ a = 1 } | count() > 3) >> { b = 2 }"]],
  ])("of %s", (query, stages) => expect(stagesOf(query)).toEqual(stages));

  it("tell metrics from searches", () => {
    expect(isMetrics("{ } | rate()")).toBe(true);
    expect(isMetrics("({ status = error } | rate()) / ({ } | rate()) > 1")).toBe(true);
    expect(isMetrics("{ } | quantile_over_time (duration, .9) by (name)")).toBe(true);
    expect(isMetrics('{ name = "rate()" && span.rate > 1 } | count() > 2')).toBe(false);
  });
});

describe("narrowing", () => {
  const failed = [{ field: "status", op: "=", literal: "error" }];
  it.each([
    ["", "{ status = error }"],
    ["{ a = 1 }", "{ a = 1 && status = error }"],
    ["{ a = 1 || b = 2 }", "{ (a = 1 || b = 2) && status = error }"],
    ["{ a = 1 } | count() > 2", "{ a = 1 && status = error } | count() > 2"],
    ["{ a = 1 } >> { b = 2 } | rate()", "{ a = 1 } >> { b = 2 } | { status = error } | rate()"],
  ])("of %s", (query, narrow) => expect(narrowed(query, failed)).toBe(narrow));

  it("selects fields", () => {
    expect(selecting("", ["name", "span.a"])).toBe("{} | select(name, span.a)");
    expect(selecting("{ a = 1 }", [])).toBe("{ a = 1 }");
  });
});

describe("a region", () => {
  const region = { from: 1000, to: 2000, least: 5e6, most: 1.5e9 };
  it("is written into the URL and read again", () => {
    expect(parseRegion(printRegion(region))).toEqual(region);
    expect(parseRegion("query")).toBeUndefined();
    expect(parseRegion("2-1-3-4")).toBeUndefined();
  });
  it("asks about traces' durations", () => {
    expect(inRegion("{ status = error }", region)).toBe(
      "{ status = error && trace:duration >= 5ms && trace:duration <= 1.5s }",
    );
  });
});

describe("a query is compared with", () => {
  it.each([
    ["", [""]],
    ["{ status = error }", [""]],
    [
      '{ resource.service.name = "cart" && status = error }',
      ['{ resource.service.name = "cart" }', "", "{ status = error }"],
    ],
    ["{ a = 1 && b = 2 && c = 3 }", ["", "{ b = 2 && c = 3 }", "{ a = 1 && c = 3 }", "{ a = 1 && b = 2 }"]],
    ["{ a = 1 } | count() > 2", [""]],
  ])("%s", (query, bases) => expect(basesOf(query)).toEqual(bases));
});

describe("differences", () => {
  const of = (field: string, effect: number) => ({
    field,
    effect,
    spanCount: 1,
    baseSpanCount: 1,
    share: 1,
    baseShare: 1,
    p: 0,
    q: 0,
  });
  it("come by field, the largest first", () => {
    const grouped = byField([of("b", 2), of("a", -1.5), of("b", 1)]);
    expect(grouped.map((g) => [g.field, g.differences.map((d) => d.effect)])).toEqual([
      ["b", [2, 1]],
      ["a", [-1.5]],
    ]);
  });
  it("become comparisons", () => {
    const literal = (field: string, value: Parameters<typeof clauseOf>[1]) =>
      clauseOf(field, value, "=")?.literal;
    expect(literal("span.a", { stringValue: 'say "a"' })).toBe('"say \\"a\\""');
    expect(literal("status", { stringValue: "error" })).toBe("error");
    expect(literal("span.a", { intValue: "502" })).toBe("502");
    expect(literal("span.a", { boolValue: false })).toBe("false");
    expect(literal("span.a", null)).toBe("nil");
    expect(literal("span.a", { doubleValue: "NaN" })).toBeUndefined();
    expect(literal("span.a", { arrayValue: { values: [] } })).toBeUndefined();
  });
});
