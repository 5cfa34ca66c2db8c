import { expect, test } from "vitest";
import { findRows } from "./find";
import { type Grouping, summarise } from "./statistics";
import { traceFromText } from "./testing";
import { computeWork } from "./work";

const trace = traceFromText(`
  frontend POST /checkout 0-100 server error
    payment charge 10-30 client error
    payment charge 30-40 client
    payment charge 40-70 client
    cart read 70-90 client
`);

const said = (by: Grouping) =>
  summarise(trace, computeWork(trace), by).map((s) => {
    const ms = [s.total, s.self, s.average, s.median, s.p95, s.longest].map((ns) => ns / 1e6).join(" ");
    return `${s.service} ${s.name}: ${s.count} spans, ${s.errors} failed, ${ms}, ${s.share * 100} %`;
  });

test("a trace is summed by operation, service or kind: total, self, average, p50, p95, longest, share", () => {
  expect(said("operation")).toEqual([
    "frontend POST /checkout: 1 spans, 1 failed, 100 20 100 100 100 100, 20 %",
    "payment charge: 3 spans, 1 failed, 60 60 20 20 30 30, 60 %",
    "cart read: 1 spans, 0 failed, 20 20 20 20 20 20, 20 %",
  ]);
  expect(said("service").map((line) => line.split(",")[0])).toEqual([
    "frontend : 1 spans",
    "payment : 3 spans",
    "cart : 1 spans",
  ]);
  expect(said("kind").map((line) => line.split(",")[0])).toEqual([" server: 1 spans", " client: 4 spans"]);
});

test("the spans of a kind are found by its name", () => {
  expect([...findRows(trace, "client")]).toEqual([1, 2, 3, 4]);
});
