import { expect, test } from "vitest";
import { gridOf } from "./time";

const at = Date.UTC(2026, 10, 21, 14, 3, 22, 120);
const clock = (millis: number) => new Date(millis).toISOString().slice(11, 19);

test("a grid has round intervals and ends after the moment", () => {
  const grid = gridOf({ range: "1h", refresh: 0, at }, 60);
  expect([clock(grid.from), clock(grid.to), grid.step]).toEqual(["13:03:00", "14:04:00", 60_000]);
  expect(grid.stepName).toBe("60000ms");
});

test("within an interval the question stays the same", () => {
  expect(gridOf({ range: "6h", refresh: 5, at: at + 5000 }, 60)).toEqual(
    gridOf({ range: "6h", refresh: 5, at }, 60),
  );
});

test("open ranges begin at the oldest span, exact ones where they say", () => {
  const all = gridOf({ range: "all", refresh: 0, at }, 10, at - 50_000);
  expect([clock(all.from), clock(all.to), all.step]).toEqual(["14:02:30", "14:03:25", 5000]);
  const exact = gridOf({ range: `${at}-${at + 10}`, refresh: 0, at }, 100);
  expect(exact.to - exact.from).toBe(2000);
});
