import { expect, test } from "vitest";
import type { GraphEdge } from "../api/analysis";
import { callsOf } from "./dependencies";
import { deploymentsOf, instanceField } from "./versions";

const edge = (
  client: string,
  server: string,
  callCount: number,
  more: Partial<GraphEdge> = {},
): GraphEdge => ({
  client,
  server,
  callCount,
  serverKind: "service",
  messaging: false,
  errorCount: 0,
  ...more,
});

test("calls are told both ways, the most frequent first", () => {
  const edges = [
    edge("web", "cart", 5),
    edge("shop", "cart", 9),
    edge("cart", "cart", 1, { serverKind: "database" }),
    edge("cart", "stock", 7),
    edge("web", "stock", 70),
  ];
  const { from, to } = callsOf(edges, "cart");
  expect(from.map((e) => e.client)).toEqual(["shop", "web"]);
  expect(to.map((e) => `${e.server} ${e.serverKind}`)).toEqual(["stock service", "cart database"]);
});

const time = { from: 1000, to: 1500, step: 100 };
const version = (name: string, ...counts: number[]) => ({ version: name, counts });

test("a version that was not there before was deployed when it is first seen", () => {
  const versions = [version("1.0", 9, 9, 4, 0, 0), version("1.1", 0, 0, 5, 9, 9), version("", 0, 1, 0, 0, 0)];
  expect(deploymentsOf(versions, time, new Set(["1.0"]))).toEqual([{ time: 1200, name: "1.1" }]);
  expect(deploymentsOf(versions, time, new Set(["1.0", "1.1"]))).toEqual([]);
});

test("where nothing is known of before, the first version seen is no deployment", () => {
  const versions = [version("1.0", 0, 9, 4, 0, 0), version("1.1", 0, 0, 5, 9, 9)];
  expect(deploymentsOf(versions, time, new Set())).toEqual([{ time: 1200, name: "1.1" }]);
});

test("instances are told apart by the surest field that spans have", () => {
  expect(instanceField([[undefined, "pod-1", undefined, "node"]])).toBe("resource.k8s.pod.name");
  expect(
    instanceField([
      [undefined, undefined, undefined, "node"],
      ["a", undefined, undefined, "node"],
    ]),
  ).toBe("resource.service.instance.id");
  expect(instanceField([["", undefined, undefined, undefined]])).toBeUndefined();
});
