import { describe, expect, it } from "vitest";
import { assignSlot } from "./color";
import {
  cutMiddle,
  formatAge,
  formatBytes,
  formatChange,
  formatCount,
  formatDuration,
  formatRate,
  formatShare,
  millisToNanos,
  nanosToMillis,
  parseDuration,
  queryDuration,
  splitName,
} from "./format";
import { linearTicks, logTicks } from "./ticks";

describe("a long name", () => {
  it("keeps its telling end, and a short one is left whole", () => {
    expect(splitName("GET /cart")).toEqual(["GET /cart", ""]);
    expect(splitName("GET /carts/{user}")).toEqual(["GET /cart", "s/{user}"]);
    expect(splitName("shop.v1.OrderService/PlaceOrder")).toEqual(["shop.v1.OrderServ", "ice/PlaceOrder"]);
    expect(splitName("charge card🛒and all out")).toEqual(["charge card🛒", "and all out"]);
  });
});

describe("durations", () => {
  it.each([
    [0, "0"],
    [340, "340 ns"],
    [999.6, "1 µs"],
    [87_000, "87 µs"],
    [12_400, "12.4 µs"],
    [340e6, "340 ms"],
    [999.7e6, "1 s"],
    [1.24e9, "1.24 s"],
    [59.999e9, "1 min"],
    [125e9, "2 min 5 s"],
    [3780e9, "1 h 3 min"],
    [-5e6, "−5 ms"],
  ])("%d ns is %s", (ns, said) => {
    expect(formatDuration(ns)).toBe(said);
  });

  it("are read as they are written", () => {
    expect(parseDuration("1h30m")).toBe(5400e9);
    expect(parseDuration("1.5 s")).toBe(1.5e9);
    expect(parseDuration("soon")).toBeUndefined();
    for (const ns of [17, 5400, 2.5e6, 1.24e9, 90e9]) expect(parseDuration(queryDuration(ns))).toBe(ns);
  });
});

it("counts, bytes and ages are short", () => {
  expect([940, 9999, 12_431, 999_600, 1_234_567].map(formatCount)).toEqual([
    "940",
    "9999",
    "12.4k",
    "1M",
    "1.23M",
  ]);
  expect([0, 37, 1536, 5 * 2 ** 30].map(formatBytes)).toEqual(["0 B", "37 B", "1.5 KiB", "5 GiB"]);
  expect([-5000, 0, 42_000, 180_000, 7_200_000, 2e8].map((age) => formatAge(age))).toEqual([
    "0 s",
    "0 s",
    "42 s",
    "3 min",
    "2 h",
    "2 d",
  ]);
});

it("shares, rates and differences are short", () => {
  expect([0, 0.0004, 0.002, 0.041, 0.0996, 0.5, 0.9999, 1].map(formatShare)).toEqual([
    "0 %",
    "<0.1 %",
    "0.2 %",
    "4.1 %",
    "10 %",
    "50 %",
    "99 %",
    "100 %",
  ]);
  expect([0, 0.0001, 0.004, 0.07, 12.44, 1300].map(formatRate)).toEqual([
    "0/s",
    "0.36/h",
    "0.24/min",
    "0.07/s",
    "12.4/s",
    "1300/s",
  ]);
  const changes: [number, number][] = [
    [112, 100],
    [92, 100],
    [102, 100],
    [310, 100],
    [5, 0],
  ];
  expect(changes.map(([now, before]) => formatChange(now, before))).toEqual([
    "+12 %",
    "−8 %",
    "",
    "×3.1",
    "",
  ]);
});

it("nanoseconds keep their microseconds as milliseconds", () => {
  expect(nanosToMillis("1700000000123456000")).toBeCloseTo(1700000000123.456, 3);
  expect(millisToNanos(1700000000123)).toBe("1700000000123000000");
});

it("names are cut in the middle", () => {
  expect(cutMiddle("GET /a/very/long/path/{id}", 12)).toBe("GET /…h/{id}");
  expect(cutMiddle("short", 12)).toBe("short");
});

it("ticks are round and few", () => {
  expect(linearTicks(0, 97, 5)).toEqual([0, 20, 40, 60, 80]);
  expect(linearTicks(5, 5, 5)).toEqual([]);
  expect(logTicks(2e6, 3e9)).toEqual([1e7, 1e8, 1e9]);
});

describe("service colours", () => {
  it("do not depend on what came before unless hues collide", () => {
    const one = assignSlot(new Map(), "checkout");
    expect(assignSlot(new Map(), "checkout")).toBe(one);
  });

  it("differ as long as there are colours", () => {
    const taken = new Map<string, number>();
    const slots = Array.from({ length: 36 }, (_, i) => assignSlot(taken, `service-${i}`));
    expect(new Set(slots.slice(0, 12).map((s) => s % 12)).size).toBe(12);
    expect(new Set(slots).size).toBe(36);
    expect(assignSlot(taken, "one more")).toBeLessThan(36);
  });
});
