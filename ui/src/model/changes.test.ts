import { expect, test } from "vitest";
import { changesOf, type Pair } from "./changes";
import type { Red } from "./red";

const HOUR = 3600;
const red = (count: number, errors = 0, p95Millis = 50): Red => ({
  count,
  errors,
  p50: 1e6,
  p95: p95Millis * 1e6,
  p99: 1e9,
});
const pair = (service: string, before: Red | undefined, now: Red | undefined): Pair => ({
  service,
  before,
  now,
});

/** The changes in words. */
const told = (...pairs: Pair[]) =>
  changesOf(pairs, HOUR, HOUR).map(
    (c) => `${c.service} ${c.what} ${round(c.before)} → ${round(c.now)}${c.worse ? "" : ", not worse"}`,
  );
const round = (n: number) => Number(n.toPrecision(2));

test("nothing is told of what stayed as it was", () => {
  expect(told(pair("cart", red(10_000, 20), red(10_400, 25)))).toEqual([]);
});

test("what is worse comes before what is better, the largest first", () => {
  expect(
    told(
      pair("mailer", red(9000, 900), red(9000, 0)),
      pair("payment", red(10_000, 20), red(10_000, 410)),
      pair("search", red(10_000, 0, 60), red(10_000, 0, 400)),
      pair("legacy", red(5000), undefined),
      pair("beta", undefined, red(300)),
    ),
  ).toEqual([
    "legacy gone 1.4 → 0",
    "search latency 60000000 → 400000000",
    "payment errors 0.002 → 0.041",
    "mailer errors 0.1 → 0, not worse",
    "beta new 0 → 0.083, not worse",
  ]);
});

test("rates that change everywhere in the same way are one change", () => {
  const fewer = ["a", "b", "c", "d"].map((service) => pair(service, red(3600), red(360)));
  expect(told(...fewer, pair("e", red(3600), red(3600)))).toEqual([" rate 4 → 0.4"]);
  expect(told(...fewer.slice(1), pair("e", red(3600), red(3600)))).toHaveLength(3);
});

test("a few spans prove nothing", () => {
  expect(told(pair("cart", red(20, 0), red(20, 6)))).toEqual([]);
  expect(told(pair("cart", red(60, 0, 10), red(60, 0, 80)))).toEqual([]);
  expect(told(pair("cart", red(400, 2), red(400, 6)))).toEqual([]);
});

test("a service that answers in less than a millisecond is not slow when it takes twice as long", () => {
  expect(told(pair("cache", red(10_000, 0, 0.2), red(10_000, 0, 0.5)))).toEqual([]);
});

test("rates are compared by the length of the times, and much less is worse", () => {
  expect(told(pair("web", red(36_000), red(3600)))).toEqual(["web rate 10 → 1"]);
  expect(told(pair("web", red(3600), red(9000)))).toEqual(["web rate 1 → 2.5, not worse"]);
  expect(changesOf([pair("web", red(3600), red(1800))], HOUR / 2, HOUR)).toEqual([]);
});
