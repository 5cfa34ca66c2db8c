import { expect, test } from "vitest";
import { findErrors } from "./errors";
import { layOut, nextPlace, shapeOf } from "./graphLayout";
import { traceFromText } from "./testing";
import { nameOf } from "./trace";
import { graphOfTrace } from "./traceGraph";
import { computeWork } from "./work";

const trace = traceFromText(`
  web order 0-100 error
    shop POST /orders 5-95 error
      shop price 6-10 client
        shop GET /price 7-9 server
      pay charge 10-40 error
        pay ask 11-39 error
      pay charge 50-90
    mail order.placed 96-99 consumer
`);
const { graph, services, calls } = graphOfTrace(trace, computeWork(trace), findErrors(trace));

test("a service is told by its spans, failures and self time, and leads to where it failed", () => {
  const said = [...services].map(
    ([key, s]) =>
      `${key}: ${s.spans} spans, ${s.failed} failed, ${s.self / 1e6} ms, see ${nameOf(trace, s.row)}`,
  );
  expect(said).toEqual([
    "service//web: 1 spans, 1 failed, 7 ms, see order",
    "service//shop: 3 spans, 1 failed, 20 ms, see POST /orders",
    "service//pay: 3 spans, 2 failed, 70 ms, see ask",
    "service//mail: 1 spans, 0 failed, 3 ms, see order.placed",
  ]);
});

test("a call goes from service to service, or comes back to the same over the wire", () => {
  const said = [...calls].map(([key, c]) => {
    const { messaging } = graph.calls.get(key)!;
    return `${key.replaceAll("service//", "")}: ${c.count}, ${c.failed} failed, ${c.total / 1e6} ms, at most ${c.longest / 1e6}${messaging ? ", a message" : ""}`;
  });
  expect(said).toEqual([
    "web → shop: 1, 1 failed, 90 ms, at most 90",
    "shop → shop: 1, 0 failed, 2 ms, at most 2",
    "shop → pay: 2, 1 failed, 70 ms, at most 40",
    "web → mail: 1, 0 failed, 3 ms, at most 3, a message",
  ]);
});

test("arrows lead from service to service as they stand", () => {
  const layout = layOut(shapeOf(graph, true));
  const key = (name: string) => `service//${name}`;
  expect(nextPlace(layout, key("shop"), 1, 0)).toBe(key("pay"));
  expect(nextPlace(layout, key("shop"), -1, 0)).toBe(key("web"));
  expect(nextPlace(layout, key("web"), -1, 0)).toBeUndefined();
  const below = nextPlace(layout, key("shop"), 0, 1) ?? nextPlace(layout, key("shop"), 0, -1);
  expect(below).toBe(key("mail"));
});
