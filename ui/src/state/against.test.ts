import { expect, test } from "vitest";
import { secondsOf, windowsOf } from "./against";
import { gridOf } from "./time";

const HOUR = 3_600_000;
const at = Date.UTC(2026, 10, 22, 12, 34, 56, 700);

test("the earlier time is as long as what has come of the present one", () => {
  const grid = gridOf({ range: "1h", refresh: 0, at }, 40);
  const windows = windowsOf(grid, at, "day");
  expect(windows.from).toBe(grid.from);
  expect(windows.to).toBe(Date.UTC(2026, 10, 22, 12, 34, 57));
  expect(windows.to - windows.from).toBe(windows.baseTo - windows.baseFrom);
  expect(windows.from - windows.baseFrom).toBe(24 * HOUR);
});

test("a range that is over keeps its end", () => {
  const grid = gridOf({ range: `${at - 3 * HOUR}-${at - 2 * HOUR}`, refresh: 0, at }, 40);
  expect(windowsOf(grid, at, "hour").to).toBe(grid.to);
});

test("rates are of the time since the first span", () => {
  expect(secondsOf(at - HOUR, at, at - 10 * HOUR)).toBe(3600);
  expect(secondsOf(at - HOUR, at, at - HOUR / 6)).toBe(600);
  expect(secondsOf(at - HOUR, at, at)).toBe(1);
});
