import { expect, test } from "vitest";
import type { HeatMap } from "../api/analysis";
import { blockOf, cellAt, layoutHeat, rectOf } from "./heat";

const row = (from: number, to: number, counts: number[], errors = counts.map(() => 0)) => ({
  fromNanos: String(from),
  toNanos: String(to),
  counts,
  errors,
});
const MAP: HeatMap = {
  spanCount: 10,
  startTimeUnixNano: "60000000000",
  stepNanos: "30000000000",
  rows: [row(100, 120, [1, 0]), row(120, 140, [2, 3], [0, 1]), row(140, 170, [0, 4], [0, 4])],
  stats: {} as HeatMap["stats"],
};

test("a block of cells says its times, durations and spans", () => {
  const heat = layoutHeat(MAP, 466, 330);
  expect(heat.most).toBe(4);
  expect(blockOf(heat, { row: 2, column: 1 }, { row: 1, column: 1 })).toEqual({
    from: 90_000,
    to: 120_000,
    least: 120,
    most: 170,
    count: 7,
    errors: 5,
  });
});

test("each cell is where it is drawn, and what is outside is the nearest one", () => {
  const heat = layoutHeat(MAP, 466, 330);
  for (const cell of [
    { row: 0, column: 0 },
    { row: 2, column: 1 },
  ]) {
    const { left, top, width, height } = rectOf(heat, cell, cell);
    expect(cellAt(heat, left + width / 2, top + height / 2)).toEqual(cell);
  }
  expect(cellAt(heat, -10, 1000)).toEqual({ row: 0, column: 0 });
  expect(cellAt(heat, 1000, -10)).toEqual({ row: 2, column: 1 });
});

test("rows are joined where there is no room for each", () => {
  const heat = layoutHeat(MAP, 466, 36);
  expect(heat.rows.map((r) => [r.from, r.to, r.counts, r.errors])).toEqual([[100, 170, [3, 7], [0, 5]]]);
});
