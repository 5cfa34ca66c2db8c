import { expect, it } from "vitest";
import type { TraceSummary } from "../api/types";
import { arrived, EMPTY_TAIL, hold, MOST_TAILED, rateOf, type Tail } from "./tail";

const trace = (id: string) => ({ traceId: id.split(":")[0]!, spanCount: Number(id.split(":")[1] ?? 1) });
const come = (tail: Tail, ids: string, at = 0) =>
  arrived(tail, ids.split(" ").map(trace) as TraceSummary[], at);
const shown = (tail: Tail) => tail.traces.map((t) => `${t.traceId}:${t.spanCount}`).join(" ");

it("puts the newest on top, and updates what grew where it stands", () => {
  const tail = come(come(EMPTY_TAIL, "a b"), "c a:5 d");
  expect(shown(tail)).toBe("d:1 c:1 b:1 a:5");
  expect([...tail.fresh].join(" ")).toBe("c d");
  expect(tail.seen).toBe(4);
});

it("moves nothing while it is held, and lets go with what waited", () => {
  const held = come(come(hold(come(EMPTY_TAIL, "a b"), true), "c b:2"), "d c:3");
  expect(shown(held)).toBe("b:1 a:1");
  expect(held.waiting.map((t) => t.traceId).join(" ")).toBe("c b d");
  expect(shown(hold(held, false))).toBe("d:1 c:3 b:2 a:1");
  expect(hold(held, false).waiting).toEqual([]);
});

it("keeps so many", () => {
  let tail = EMPTY_TAIL;
  for (let i = 0; i < MOST_TAILED + 20; i++) tail = come(tail, `t${i}`);
  expect(tail.traces).toHaveLength(MOST_TAILED);
  expect(tail.traces[0]!.traceId).toBe(`t${MOST_TAILED + 19}`);
  expect(tail.seen).toBe(MOST_TAILED + 20);
});

it("tells the rate of traces that were not known, over ten seconds or since it began", () => {
  const tail = come(come(EMPTY_TAIL, "a b c", 1000), "a d", 4000);
  expect(rateOf(tail, 0, 4000)).toBe(1);
  expect(rateOf(tail, 0, 10_500)).toBe(0.4);
  expect(rateOf(tail, 0, 13_000)).toBe(0.1);
  expect(rateOf(tail, 0, 60_000)).toBe(0);
});
