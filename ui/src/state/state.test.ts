import { describe, expect, it } from "vitest";
import type { SearchResult, TraceSummary } from "../api/types";
import { exactRange, exactTimes, wider, windowOf } from "./range";
import { firstPage, leavesGap, NO_RESULTS, newsRequest, nextPage, startOver, withNews } from "./results";

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

  const seconds = (n: number) => n * 1e9;
  const listed = firstPage(page([trace("d", seconds(940)), trace("c", seconds(930))], "after c"));

  it("ask for what is new from a little before the newest trace, never from before the search's start", () => {
    const request = { q: "{ status = error }", start: String(seconds(100)), limit: 100 };
    expect(newsRequest(listed, request, 950_000)).toEqual({ ...request, start: "910000000000", limit: 1000 });
    const late = { ...request, start: "935000000000" };
    expect(newsRequest(listed, late, 950_000)?.start).toBe("935000000000");
  });

  it("ask for what is new although a client's clock is ahead", () => {
    const ahead = firstPage(page([trace("z", seconds(9000)), trace("c", seconds(930))]));
    expect(newsRequest(ahead, { q: "", limit: 100 }, 950_000)?.start).toBe("920000000000");
  });

  it("ask for a plain first page while there is nothing, and once there is too much", () => {
    const many = Array.from({ length: 5001 }, (_, i) => trace(String(i), seconds(9000) - i));
    expect(newsRequest(firstPage(page([])), { q: "", limit: 100 }, 1)).toBeUndefined();
    expect(newsRequest(firstPage(page(many.slice(1))), { q: "", limit: 100 }, 1)).toBeDefined();
    expect(newsRequest(firstPage(page(many)), { q: "", limit: 100 }, 1)).toBeUndefined();
  });

  it("take new traces in above and keep paging where it was", () => {
    const newer = withNews(first, page([trace("f", 50), trace("e", 50), trace("d", 40)]));
    expect(names(newer)).toBe("e f d c");
    expect(newer.nextCursor).toBe("after c");
    expect([...newer.fresh].sort()).toEqual(["e", "f"]);
  });

  it("leave a trace below their end to the page that it is on", () => {
    const old = page([trace("e", 50), trace("a", 10)]);
    expect(names(withNews(first, old))).toBe("e d c");
    expect(names(withNews(firstPage(page([trace("d", 40)])), old))).toBe("e d a");
  });

  it("update a trace that grew where it stands, and count its matches of the whole time", () => {
    const before = firstPage(page([{ ...trace("d", 40, 5), matchedCount: 3 }, trace("c", 30)]));
    const newer = withNews(before, page([{ ...trace("d", 40, 9), matchedCount: 2 }]));
    expect(names(newer)).toBe("d c");
    expect(newer.traces[0]).toMatchObject({ spanCount: 9, matchedCount: 3 });
    expect(newer.fresh.size).toBe(0);
  });

  it("have a gap where full news do not reach what is listed, and start over", () => {
    const far = page([trace("z", 99), trace("y", 98)], "after y");
    expect(leavesGap(first, far)).toBe(true);
    expect(leavesGap(first, page(far.traces))).toBe(false);
    expect(leavesGap(first, page([...far.traces, trace("d", 40)], "after d"))).toBe(false);
    const newer = startOver(first, far);
    expect(names(newer)).toBe("z y");
    expect(newer.nextCursor).toBe("after y");
    expect([...newer.fresh]).toEqual(["z", "y"]);
    expect(startOver(NO_RESULTS, far).fresh.size).toBe(0);
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
    expect(["15m", "7d", "30d", "all", "5-10"].map((r) => wider(r))).toEqual([
      "1h",
      "30d",
      "all",
      undefined,
      "24h",
    ]);
  });
});
