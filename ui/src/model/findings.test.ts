import { describe, expect, it } from "vitest";
import type { Drop, Server } from "../api/server";
import type { Status } from "../api/types";
import { type Finding, findings } from "./findings";
import { forecast, keptFor, lossOf, rateOf } from "./serverFigures";

const GIB = 2 ** 30;
const DAY = 86_400;
const NOW = 1_795_000_000_000;

const nanos = (seconds: number) => `${BigInt(Math.round(seconds)) * 1_000_000_000n}`;

/** A server that has run for so many steps of ten seconds, with a million spans of 20 bytes in segments. */
function serverOf(
  given: {
    steps?: number;
    perStep?: number;
    free?: number;
    drops?: Partial<Record<Drop["reason"], number>>;
  } & Omit<Partial<Server>, "drops">,
): Server {
  const { steps = 360, perStep = 0, free = 50 * GIB, drops = {}, ...rest } = given;
  return {
    historyStepNanos: nanos(10),
    historyEndTimeUnixNano: nanos(NOW / 1000),
    tenantCount: 1,
    listeners: [],
    destinations: [],
    receivers: [
      {
        protocol: "otlp",
        transport: "grpc",
        requestCount: 1,
        refusedRequestCount: 0,
        spanCount: steps * perStep,
        bytes: 0,
        decompressedBytes: 0,
        ...(perStep > 0 ? { spanHistory: Array(steps).fill(perStep) } : {}),
      },
    ],
    drops: Object.entries(drops).map(([reason, count]) => ({
      reason: reason as Drop["reason"],
      count: count + 5,
      ...(count > 0 ? { history: [...Array(steps - 1).fill(0), count] } : {}),
    })),
    segmentSpanCount: 1e6,
    segmentBytes: 20e6,
    disk: { directory: "/data", sizeBytes: 100 * GIB, freeBytes: free, reservedBytes: GIB },
    memory: {
      residentBytes: 1,
      limitBytes: 100,
      headBytes: 0,
      cacheBytes: 0,
      residentKiBHistory: Array(steps).fill(1),
    },
    ...rest,
  };
}

function statusOf(given: Partial<Status["retention"]> & { oldest?: number; pending?: number } = {}): Status {
  const { oldest = 1, pending = 0, ...retention } = given;
  return {
    version: "",
    startTimeUnixNano: "0",
    spanCount: 1e6,
    diskBytes: 20e6,
    segmentCount: 1,
    minSpanStartUnixNano: nanos(NOW / 1000 - oldest * DAY),
    maxSpanStartUnixNano: nanos(NOW / 1000),
    storage: {
      headSpanCount: 0,
      headBytes: 0,
      segmentSpanCount: 1e6,
      segmentBytes: 20e6,
      pendingSegmentCount: pending,
      flushFailing: false,
    },
    retention: { rules: [], deletedSpanCount: 0, deletedSegmentCount: 0, earlySegmentCount: 0, ...retention },
    lost: [],
    endpoints: { otlpHttp: "", otlpGrpc: "" },
  };
}

/** "warn dropped": what is told, what is wrong first. */
const told = (server: Server, status = statusOf()) =>
  findings(server, status, NOW).map((f: Finding) => `${f.tone} ${f.kind}`);

describe("rates", () => {
  it("are of the last minute", () => {
    const server = serverOf({ steps: 100 });
    expect(rateOf(server, [...Array(94).fill(1000), 0, 10, 20, 30, 0, 0])).toBe(1);
    expect(rateOf(server, undefined)).toBe(0);
  });
  it("are of the time there was, and unknown before the first step has ended", () => {
    expect(rateOf(serverOf({ steps: 2 }), [10, 30])).toBe(2);
    expect(rateOf(serverOf({ steps: 0 }), undefined)).toBeUndefined();
  });
});

describe("the forecast of the disk", () => {
  // 10,000 spans/s of 20 bytes are 16 GiB a day.
  const busy = (free: number) => serverOf({ perStep: 100_000, free });

  it("says when it is full", () => {
    const got = forecast(busy(33 * GIB), statusOf(), NOW);
    expect(got).toMatchObject({ kind: "full", atLeast: false });
    expect(got.kind === "full" && got.days).toBeCloseTo(1.99, 2);
  });
  it("is of a level where retention deletes in time", () => {
    const got = forecast(busy(33 * GIB), statusOf({ ageNanos: nanos(DAY) }), NOW);
    expect(got.kind === "steady" && got.bytes / GIB).toBeCloseTo(16.1, 1);
    expect(forecast(busy(33 * GIB), statusOf({ bytes: GIB }), NOW)).toEqual({ kind: "steady", bytes: GIB });
  });
  it("is a bound where retention deletes before, but not enough", () => {
    const got = forecast(busy(33 * GIB), statusOf({ ageNanos: nanos(10 * DAY), oldest: 9 }), NOW);
    expect(got).toMatchObject({ kind: "full", atLeast: true });
  });
  it("is not made of too little", () => {
    const none = { kind: "unknown" };
    expect(forecast(serverOf({ steps: 30, perStep: 100 }), statusOf(), NOW)).toEqual(none);
    expect(forecast(serverOf({}), statusOf(), NOW)).toEqual(none);
    expect(forecast(serverOf({ perStep: 100, segmentSpanCount: 500 }), statusOf(), NOW)).toEqual(none);
  });
  it("knows how long rules keep", () => {
    const rule = { match: "{ status = error }" };
    expect(
      keptFor(statusOf({ ageNanos: nanos(DAY), rules: [{ ...rule, ageNanos: nanos(9 * DAY) }] }).retention),
    ).toBe(9 * DAY);
    expect(keptFor(statusOf({ ageNanos: nanos(DAY), rules: [rule] }).retention)).toBeUndefined();
    expect(keptFor(statusOf().retention)).toBeUndefined();
  });
});

describe("what is said first", () => {
  it("is how it goes where nothing is wrong", () => {
    expect(told(serverOf({ perStep: 100 }))).toEqual(["fine receiving", "fine disk", "fine memory"]);
    expect(told(serverOf({}))).toEqual(["note quiet", "fine disk", "fine memory"]);
    expect(told(serverOf({ steps: 0 }))).toContain("note starting");
  });
  it("is what was dropped in the hour, not before", () => {
    const server = serverOf({ perStep: 100, drops: { too_large: 3, failed: 0, value_too_long: 7 } });
    expect(told(server)).toEqual([
      "warn dropped",
      "note dropped",
      "fine receiving",
      "fine disk",
      "fine memory",
    ]);
    expect(findings(server, statusOf(), NOW)[0]).toMatchObject({
      reason: "too_large",
      count: 3,
      wholeHour: true,
    });
  });
  it("is a disk that refuses spans, or will be full within days", () => {
    expect(told(serverOf({ free: GIB / 2 }))[0]).toBe("bad diskRefuses");
    expect(told(serverOf({ perStep: 100_000, free: 33 * GIB }))[0]).toBe("warn disk");
    expect(
      told(serverOf({ perStep: 100_000, free: 33 * GIB }), statusOf({ ageNanos: nanos(DAY) })),
    ).toContain("fine disk");
  });
  it("is memory at its limit, compaction that waits and what went early", () => {
    const memory = {
      residentBytes: 99,
      limitBytes: 100,
      headBytes: 0,
      cacheBytes: 0,
      residentKiBHistory: [1],
    };
    expect(told(serverOf({ memory }))[0]).toBe("warn memory");
    expect(told(serverOf({}), statusOf({ pending: 60, earlySegmentCount: 2 })).slice(0, 2)).toEqual([
      "warn compactionBehind",
      "warn deletedEarly",
    ]);
  });
});

it("every reason loses something of its own", () => {
  expect(lossOf("invalid_span")).toBe("spans");
  expect(lossOf("too_many_links")).toBe("parts");
  expect(lossOf("name_too_long")).toBe("texts");
  expect(lossOf("overloaded")).toBe("requests");
});
