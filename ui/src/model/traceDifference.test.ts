import { describe, expect, it } from "vitest";
import type { FlameGraph } from "../api/analysis";
import { traceFromText } from "./testing";
import { comparePaths, judge, type PathDifference } from "./traceDifference";
import { averagePaths, type Paths, pathsOfTrace, pathTimes } from "./tracePaths";
import { computeWork } from "./work";

function pathsFrom(text: string) {
  const trace = traceFromText(text);
  return pathsOfTrace(trace, computeWork(trace));
}

const ms = (ns: number) => `${Math.round(ns / 1e6)}`;

/** "shop order › pay charge" of a difference. */
function pathTo(all: readonly PathDifference[], at: number): string {
  const { parent, service, name } = all[at]!;
  return parent < 0 ? `${service} ${name}` : `${pathTo(all, parent)} › ${service} ${name}`;
}

function said(here: Paths, there: Paths): string[] {
  const all = comparePaths(here, there);
  const { by, alike, causes } = judge(all, here, there);
  if (alike) return ["alike"];
  return [
    `${ms(by)} ms`,
    ...causes.map(({ at, why, time }) => {
      const { ours, theirs } = all[at]!;
      const often = why === "count" ? ` ${ours.count} instead of ${theirs.count}` : "";
      return `${pathTo(all, at)}: ${why}${often}, ${ms(time)} ms`;
    }),
  ];
}

const usual = `
  shop order 0-100
    shop price 0-40
    pay charge 50-90
      bank authorise 55-85
`;

describe("two traces", () => {
  it("are put side by side by operation path, with what is new and what is missing", () => {
    const all = comparePaths(
      pathsFrom(`
        shop order 0-120 error
          pay charge 10-50 error
          pay charge 60-100
            bank authorise 60-90
            bank settle 90-95
      `),
      pathsFrom(usual),
    );
    const lines = all.map(({ ours, theirs, explains }, at) => {
      const side = (s: typeof ours) => `${s.count}× ${ms(s.total)} ${s.errors}✗`;
      return `${pathTo(all, at)}: ${side(theirs)} → ${side(ours)}, ${ms(explains)}`;
    });
    expect(lines).toEqual([
      "shop order: 1× 100 0✗ → 1× 120 1✗, 20",
      "shop order › pay charge: 1× 40 0✗ → 2× 80 1✗, 35",
      "shop order › pay charge › bank authorise: 1× 30 0✗ → 1× 30 0✗, 0",
      "shop order › pay charge › bank settle: 0× 0 0✗ → 1× 5 0✗, 5",
      "shop order › shop price: 1× 40 0✗ → 0× 0 0✗, -40",
    ]);
  });

  it("differ because a call and all that it calls runs more often", () => {
    const slow = pathsFrom(`
      shop order 0-190
        shop price 0-40
        pay charge 50-90
          bank authorise 55-85
        pay charge 90-130
          bank authorise 95-125
        pay charge 140-180
          bank authorise 145-175
    `);
    expect(said(slow, pathsFrom(usual))).toEqual([
      "90 ms",
      "shop order › pay charge: count 3 instead of 1, 80 ms",
    ]);
    expect(said(pathsFrom(usual), slow)).toEqual([
      "-90 ms",
      "shop order › pay charge: count 1 instead of 3, -80 ms",
    ]);
  });

  it("differ because of one that itself takes longer, however often its callers run", () => {
    const slow = pathsFrom(`
      shop order 0-300
        shop price 0-40
        pay charge 50-290
          bank authorise 55-285
    `);
    expect(said(slow, pathsFrom(usual))).toEqual([
      "200 ms",
      "shop order › pay charge › bank authorise: self, 200 ms",
    ]);
  });

  it("are not explained by a caller that runs little more often than before", () => {
    const all = (calls: number, queries: number) =>
      pathsFrom(
        [
          `shop order 0-${200 + 10 * queries}`,
          ...Array.from({ length: calls }, (_, i) => `  cart read ${i * 10}-${i * 10 + 5}`),
          ...Array.from({ length: queries }, (_, i) => `    db select ${100 + i * 10}-${110 + i * 10}`),
        ].join("\n"),
      );
    expect(said(all(3, 20), all(2, 1))[1]).toBe(
      "shop order › cart read › db select: count 20 instead of 1, 190 ms",
    );
  });

  it("are alike where their durations hardly differ", () => {
    expect(said(pathsFrom(usual), pathsFrom(usual))).toEqual(["alike"]);
  });

  it("are explained by what they wait for, where that is known", () => {
    const here = pathsFrom(usual);
    const times = pathTimes(here, (row) => (row === 1 ? 40e6 : 0));
    const all = comparePaths(here, here, { here: times, there: times.map(() => 0) });
    expect(all.map((d) => ms(d.explains))).toEqual(["0", "40", "0", "0"]);
  });
});

describe("the average of traces", () => {
  const node = (name: string, parent: number, spanCount: number, total: number, self = total) => ({
    service: "shop",
    name,
    kind: "internal" as const,
    parent,
    spanCount,
    errorCount: name === "price" ? 1 : 0,
    totalNanos: String(total * 1e6),
    selfNanos: String(self * 1e6),
  });
  const flame = {
    traceCount: 4,
    sampledOneOf: 1,
    nodes: [node("order", -1, 4, 400, 100), node("price", 0, 2, 200), node("price", 0, 8, 100)],
  } as unknown as FlameGraph;

  it("is of one trace: kinds of a name together, a share of a span where not all traces have one", () => {
    const paths = averagePaths(flame, "shop", "order");
    expect(ms(paths.duration)).toBe("100");
    expect(paths.name).toEqual(["order", "price"]);
    expect(paths.count).toEqual([1, 2.5]);
    expect(paths.errors).toEqual([0, 0.5]);
    expect(paths.self.map(ms)).toEqual(["25", "75"]);
  });
});
