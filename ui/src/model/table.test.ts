import { expect, test } from "vitest";
import { findErrors } from "./errors";
import { compareBy, errorCounts, sortedRows } from "./table";
import { printTree, traceFromText } from "./testing";
import { computeWork } from "./work";

const trace = traceFromText(`
  shop order 0-100
    pay charge 10-30 error
      bank authorise 12-20 error
      bank settle 20-29
    cart load 40-90
    shop audit 91-92
`);
const work = computeWork(trace);
const counts = errorCounts(trace, findErrors(trace));
const sorted = (by: "duration" | "name", down: boolean, collapsed = new Set<number>(), focus = -1) => {
  const compare = compareBy(trace, work, counts, by);
  return printTree(trace, sortedRows(trace, collapsed, focus, down ? (a, b) => compare(b, a) : compare));
};

test("siblings are sorted, each below its parent", () => {
  expect(sorted("duration", true).split("\n")).toEqual([
    "shop order",
    "  cart load",
    "  pay charge",
    "    bank settle",
    "    bank authorise",
    "  shop audit",
  ]);
  expect(sorted("name", false).split("\n")[1]).toBe("  shop audit");
});

test("what is collapsed or out of focus is left out", () => {
  expect(sorted("duration", true, new Set([1]))).not.toContain("bank");
  expect(sorted("duration", true, new Set(), 1)).toBe("  pay charge\n    bank settle\n    bank authorise");
});

test("errors are counted with those below", () => {
  expect([...counts]).toEqual([2, 2, 1, 0, 0, 0]);
});
