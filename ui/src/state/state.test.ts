import { describe, expect, it } from "vitest";
import type { SearchResult, TraceSummary } from "../api/types";
import { exactRange, exactTimes, wider, windowOf } from "./range";
import { firstPage, nextPage, refresh } from "./results";

const trace = (name: string, start: number, spanCount = 1): TraceSummary => ({
  traceId: name,
  rootService: "s",
  rootName: name,
  startTimeUnixNano: String(start),
  durationNanos: "1",
  spanCount,
  errorCount: 0,
  matchedCount: 1,
  services: [],
});
const page = (traces: TraceSummary[], nextCursor?: string): SearchResult => ({
  traces,
  ...(nextCursor !== undefined && { nextCursor }),
  stats: {
    complete: true,
    scannedSpans: 0,
    totalSpans: 0,
    scannedBlocks: 0,
    totalBlocks: 0,
    elapsedNanos: "0",
  },
});
const names = (results: { traces: readonly TraceSummary[] }) =>
  results.traces.map((t) => t.traceId).join(" ");

describe("results", () => {
  const first = firstPage(page([trace("d", 40), trace("c", 30)], "after c"));

  it("grow by pages without repeating", () => {
    const more = nextPage(first, page([trace("c", 30), trace("b", 20)]));
    expect(names(more)).toBe("d c b");
    expect(more.nextCursor).toBeUndefined();
  });

  it("take new traces in above and keep paging where it was", () => {
    const newer = refresh(first, page([trace("e", 50), trace("d", 40)], "after d"));
    expect(names(newer)).toBe("e d c");
    expect(newer.nextCursor).toBe("after c");
    expect([...newer.fresh]).toEqual(["e"]);
  });

  it("update a trace that grew where it stands", () => {
    const newer = refresh(first, page([trace("d", 40, 9), trace("c", 30)]));
    expect(newer.traces[0]!.spanCount).toBe(9);
    expect(newer.fresh.size).toBe(0);
  });

  it("start over when a refresh does not reach what is listed", () => {
    const newer = refresh(first, page([trace("z", 99), trace("y", 98)], "after y"));
    expect(names(newer)).toBe("z y");
    expect(newer.nextCursor).toBe("after y");
  });
});

describe("time ranges", () => {
  it("are relative, exact or open", () => {
    expect(windowOf("15m", 1_000_000)).toEqual({ from: 100_000, to: undefined });
    expect(windowOf("all", 1)).toEqual({ from: undefined, to: undefined });
    expect(windowOf(exactRange(5.5, 9.1), 1)).toEqual({ from: 5, to: 10 });
    expect(exactTimes("yesterday")).toBeUndefined();
  });

  it("widen step by step", () => {
    expect(["15m", "7d", "all", "5-10"].map((r) => wider(r))).toEqual(["1h", "all", undefined, "24h"]);
  });
});
