import { describe, expect, it } from "vitest";
import { ApiError, type SearchRequest } from "../api/client";
import type { SearchResult, Status, TraceSummary } from "../api/types";
import { layoutPlot, type Point, xOf, yOf } from "../canvas/scatter";
import { extentOf, planSample, readSample, type Sample, stretched, union } from "./sample";

const OPEN = { from: undefined, to: undefined };
const nanos = (millis: number) => `${millis}000000`;

const trace = (millis: number, spanCount = 1): TraceSummary => ({
  traceId: `t${millis}`,
  rootService: "s",
  rootName: "n",
  startTimeUnixNano: nanos(millis),
  durationNanos: "1",
  spanCount,
  errorCount: 0,
  matchedCount: 1,
  services: [],
});

const holding = (min: number, max: number): Status => ({
  version: "",
  startTimeUnixNano: "0",
  spanCount: 1,
  diskBytes: 0,
  lost: [],
  storage: {
    headSpanCount: 0,
    headBytes: 0,
    segmentSpanCount: 0,
    segmentBytes: 0,
    pendingSegmentCount: 0,
    flushFailing: false,
  },
  retention: { rules: [], deletedSpanCount: 0, deletedSegmentCount: 0, earlySegmentCount: 0 },
  segmentCount: 0,
  minSpanStartUnixNano: nanos(min),
  maxSpanStartUnixNano: nanos(max),
  endpoints: { otlpHttp: "", otlpGrpc: "" },
});

/** A server that holds a trace at each of the times, newest first, and refuses a slice that starts at `broken`. */
function server(times: number[], broken?: number) {
  const asked: SearchRequest[] = [];
  const search = async (request: SearchRequest): Promise<SearchResult> => {
    asked.push(request);
    const start = Number(request.start ?? 0) / 1e6;
    const end = Number(request.end ?? 1e30) / 1e6;
    if (start === broken) throw new Error("refused");
    const found = times.filter((t) => t >= start && t < end).sort((a, b) => b - a);
    return {
      traces: found.slice(0, request.limit).map((t) => trace(t)),
      ...(found.length > request.limit && { nextCursor: "more" }),
      stats: {
        complete: true,
        scannedSpans: 0,
        totalSpans: 0,
        scannedBlocks: 0,
        totalBlocks: 0,
        elapsedNanos: "0",
      },
    };
  };
  return { asked, search };
}

const times = (list: readonly TraceSummary[]) =>
  list.map((t) => Number(t.traceId.slice(1))).sort((a, b) => a - b);

describe("the extent of a plot", () => {
  const now = 1_000_000_000;

  it("is the window where there is data", () => {
    const hour = { from: now - 3_600_000, to: undefined };
    expect(extentOf(hour, holding(5, now - 10), [], now)).toEqual({ from: hour.from, to: now - 10 });
    const young = holding(now - 60_000, now - 10);
    expect(extentOf(hour, young, [], now)).toEqual({ from: now - 60_000, to: now - 10 });
    expect(extentOf(OPEN, young, [], now)).toEqual({ from: now - 60_000, to: now - 10 });
    expect(extentOf({ from: 700, to: 900 }, holding(5, now), [], now)).toEqual({ from: 700, to: 900 });
    expect(extentOf({ from: 700, to: 900 }, holding(950, now), [], now)).toEqual({ from: 700, to: 900 });
  });

  it("is what is listed where the status is not known", () => {
    expect(extentOf(OPEN, undefined, [trace(now - 5), trace(now - 900)], now)).toEqual({
      from: now - 900,
      to: now - 5,
    });
  });

  it("is not stretched by one client whose clock is ahead, but by all of them", () => {
    const ahead = now + 9_000_000;
    const listed = [ahead, now - 3, now - 6].map((t) => trace(t));
    expect(extentOf(OPEN, holding(5, ahead), listed, now).to).toBe(now + 60_000);
    const all = [ahead, ahead - 3, ahead - 6].map((t) => trace(t));
    expect(extentOf(OPEN, holding(5, ahead), all, now).to).toBe(ahead);
  });

  it("grows to what a refresh brings, unless the window ends", () => {
    const extent = { from: 5, to: now };
    expect(stretched(extent, OPEN, [trace(now + 5000)], now + 5000).to).toBe(now + 5000);
    expect(stretched(extent, OPEN, [trace(now - 7)], now + 5000)).toBe(extent);
    expect(stretched(extent, { from: 5, to: now }, [trace(now + 5000)], now + 5000)).toBe(extent);
  });
});

describe("a sample", () => {
  it("has slices on round times that together are the request's range", () => {
    const request = { q: "q", start: nanos(1000), end: nanos(601_500), limit: 100 };
    const { slices, step } = planSample({ from: 3000, to: 601_499 }, request);
    expect(step).toBe(5000);
    expect(slices[0]).toEqual({ start: nanos(600_000), end: request.end });
    expect(slices.at(-1)).toEqual({ start: request.start, end: nanos(5000) });
    for (const [i, slice] of slices.slice(1).entries()) expect(slice.end).toBe(slices[i]!.start);
    const moment = planSample({ from: 7, to: 7 }, { q: "", limit: 100 });
    expect(moment.slices).toEqual([{ start: undefined, end: undefined }]);
  });

  it("is the newest of every slice, newest slice first", async () => {
    const held = Array.from({ length: 2400 }, (_, i) => i * 100);
    const { asked, search } = server(held);
    const told: Sample[] = [];
    const extent = { from: 0, to: held.at(-1)! };
    const signal = new AbortController().signal;
    await readSample(extent, { q: "q", limit: 100 }, [trace(1)], search, signal, (s) => told.push(s));
    expect(asked[0]!.end).toBeUndefined();
    expect(asked[0]).toMatchObject({ q: "q", start: nanos(238_000), limit: 5 });
    expect(times(told[0]!.traces)[0]).toBe(1);
    const last = told.at(-1)!;
    expect(last).toMatchObject({ step: 2000, most: 5, cut: true, slices: 120, done: 120, failed: 0 });
    expect(times(last.traces).slice(0, 6)).toEqual([1500, 1600, 1700, 1800, 1900, 3500]);
    expect(last.traces).toHaveLength(600);
  });

  it("says when it holds everything and when a part is missing", async () => {
    const { search } = server([1000, 130_000, 239_000], 130_000);
    const told: Sample[] = [];
    const { signal } = new AbortController();
    await readSample({ from: 0, to: 240_000 }, { q: "", limit: 9 }, [], search, signal, (s) => told.push(s));
    expect(told.at(-1)).toMatchObject({ cut: false, failed: 1 });
    expect(times(told.at(-1)!.traces)).toEqual([1000, 239_000]);
  });

  it("stops when the server does not answer, and says so", async () => {
    let asked = 0;
    const gone = async (): Promise<SearchResult> => {
      asked++;
      throw new ApiError({ title: "kiseki does not answer", status: 0 });
    };
    const told: Sample[] = [];
    const { signal } = new AbortController();
    await readSample({ from: 0, to: 240_000 }, { q: "", limit: 9 }, [trace(1)], gone, signal, (s) =>
      told.push(s),
    );
    expect(asked).toBe(4);
    expect(told.at(-1)).toMatchObject({ stopped: true, slices: 120, failed: told.at(-1)!.done });
    expect(times(told.at(-1)!.traces)).toEqual([1]);
  });

  it("stops when it is cancelled", async () => {
    const { asked, search } = server([]);
    const controller = new AbortController();
    const told: Sample[] = [];
    await readSample({ from: 0, to: 1e6 }, { q: "", limit: 9 }, [], search, controller.signal, (s) => {
      told.push(s);
      controller.abort();
    });
    expect(told).toHaveLength(1);
    expect(asked.length).toBeLessThan(12);
  });

  it("lists a trace once, as it was read last", () => {
    const both = union([trace(1), trace(2)], [trace(2, 9), trace(3)]);
    expect(both.map((t) => [t.traceId, t.spanCount])).toEqual([
      ["t1", 1],
      ["t2", 9],
      ["t3", 1],
    ]);
  });
});

describe("the plot's scales", () => {
  const point = (time: number, duration: number): Point => ({
    traceId: String(time),
    time,
    duration,
    failed: false,
    spans: 1,
  });
  const extent = { from: 0, to: 100_000 };

  it("keep the marks in place while others come in", () => {
    const few = layoutPlot([point(50_000, 2e6), point(90_000, 8e8)], extent, 800, 168);
    const more = layoutPlot([point(50_000, 2e6), point(90_000, 8e8), point(10, 1.3e6)], extent, 800, 168);
    expect(more).toEqual(few);
    expect([few.least, few.most]).toEqual([1e6, 1e9]);
  });

  it("hold every mark, those that started before the window at its edge", () => {
    const points = [point(-5_000_000, 40), point(100_000, 3e12)];
    const plot = layoutPlot(points, extent, 800, 168);
    expect(xOf(plot, points[0]!.time)).toBe(xOf(plot, plot.from));
    expect(xOf(plot, points[1]!.time)).toBeLessThan(800);
    for (const p of points) {
      expect(yOf(plot, p.duration)).toBeGreaterThan(0);
      expect(yOf(plot, p.duration)).toBeLessThan(168);
    }
    const moment = layoutPlot([point(7, 5)], { from: 7, to: 7 }, 800, 168);
    expect(Number.isFinite(xOf(moment, 7))).toBe(true);
  });
});
