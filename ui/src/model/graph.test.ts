import { describe, expect, it } from "vitest";
import type { GraphEdge, Latency, NodeKind, ServiceGraph } from "../api/analysis";
import { centre, pan, showAll, withoutOverlap, zoomAt } from "./camera";
import { around, changeOf, changesOf, fold, type Graph, graphOf, placeKey, withGone } from "./graph";
import { BOX, distanceTo, fits, layOut, middle, shapeOf } from "./graphLayout";
import { alsoMatching, callsQuery, placeQuery } from "./graphQuery";

const latency = (p90: number): Latency => ({
  count: 1,
  sumNanos: "1",
  minNanos: "1",
  p50Nanos: "1",
  p90Nanos: String(p90),
  p95Nanos: "1",
  p99Nanos: "1",
  maxNanos: "1",
});

const stats = {
  complete: true,
  scannedSpans: 0,
  totalSpans: 0,
  scannedBlocks: 0,
  totalBlocks: 0,
  elapsedNanos: "0",
};

/** "web>cart 100/3 @5" is 100 calls, 3 failed, p90 5; "db:", "mq:" and "ext:" are kinds; "~" is messaging. */
function edgeOf(line: string): GraphEdge {
  const [, client, sign, kind, server, calls, errors, p90] =
    /^(\w+)([>~])(?:(db|mq|ext):)?([\w.]+)(?: (\d+))?(?:\/(\d+))?(?: @(\d+))?$/.exec(line)!;
  const kinds: Record<string, NodeKind> = { db: "database", mq: "messaging", ext: "external" };
  return {
    client: client!,
    server: server!,
    serverKind: kind ? kinds[kind]! : "service",
    messaging: sign === "~",
    callCount: Number(calls ?? 1),
    errorCount: Number(errors ?? 0),
    ...(p90 ? { serverLatency: latency(Number(p90)) } : {}),
  };
}

function answer(...lines: string[]): ServiceGraph {
  const edges = lines.map(edgeOf);
  const nodes = new Map<string, { kind: NodeKind; name: string }>();
  for (const e of edges) {
    nodes.set(placeKey("service", e.client), { kind: "service", name: e.client });
    nodes.set(placeKey(e.serverKind, e.server), { kind: e.serverKind, name: e.server });
  }
  return { traceCount: 1, unknownCallCount: 0, nodes: [...nodes.values()], edges, stats };
}

const graph = (...lines: string[]) => graphOf(answer(...lines));
const names = (g: Graph) => [...g.places.values()].map((p) => p.name).join(" ");
const SHOP = [
  "web>cart",
  "cart>catalog",
  "checkout>cart",
  "catalog>db:items",
  "cart~mail",
  "mail>ext:smtp.example",
];

describe("the graph", () => {
  it("tells a service from its database of the same name", () => {
    expect([...graph("cart>db:cart").places.keys()]).toEqual(["database//cart", "service//cart"]);
  });

  it("tells calls from messages between the same two", () => {
    expect(graph("a>b", "a~b").calls.size).toBe(2);
  });

  it("does not depend on the answer's order", () => {
    expect(shapeOf(graph(...SHOP), true)).toEqual(shapeOf(graph(...[...SHOP].reverse()), true));
  });

  it("around a service is what it calls and what calls it, each way alone", () => {
    const cart = placeKey("service", "cart");
    expect(names(around(graph(...SHOP), cart, 1))).toBe("cart catalog checkout mail web");
    expect(names(around(graph(...SHOP), cart, 2))).toBe("items smtp.example cart catalog checkout mail web");
    const catalog = placeKey("service", "catalog");
    expect(names(around(graph(...SHOP), catalog, 1))).toBe("items cart catalog");
    expect(names(around(graph(...SHOP), placeKey("service", "gone"), 3))).toBe("");
  });

  it("folds what a single service calls into it", () => {
    const folded = fold(graph("a>db:own", "a>ext:own.example", "a>db:shared", "b>db:shared", "a>b"));
    expect(names(folded)).toBe("shared a b");
    expect(folded.places.get("service//a")!.folded).toBe(2);
    expect(folded.calls.size).toBe(3);
  });
});

describe("changes", () => {
  const change = (before: string, after: string) => {
    const [b, a] = [graph(before), graph(after)];
    return changeOf([...b.calls.values()][0]!, [...a.calls.values()][0]!);
  };
  it.each([
    ["a>b 0", "a>b 50", "new"],
    ["a>b 50", "a>b 0", "gone"],
    ["a>b 100/1", "a>b 100/4", "worse"],
    ["a>b 100/50", "a>b 100/54", undefined],
    ["a>b 100 @10", "a>b 100 @15", "worse"],
    ["a>b 100 @10", "a>b 100 @14", undefined],
    ["a>b 10/0", "a>b 10/9", undefined],
    ["a>b 100/9 @10", "a>b 100/1 @5", undefined],
  ])("%s, then %s: %s", (before, after, expected) => expect(change(before, after)).toBe(expected));

  it("keeps what is gone in the graph, without a call", () => {
    const changes = changesOf({
      beforeTraceCount: 1,
      afterTraceCount: 1,
      addedServices: [],
      removedServices: ["old"],
      edges: [{ before: edgeOf("a>old 30/2"), after: edgeOf("a>old 0") }],
      stats,
    });
    const all = withGone(graph("a>b"), changes);
    expect(names(all)).toBe("a b old");
    expect([...all.calls.values()].map((c) => c.count)).toEqual([1, 0]);
    expect(changes.places.get("service//old")).toBe("gone");
  });
});

/** A system of `count` services in six tiers, each with its own database and a few callees; always the same. */
function system(count: number): ServiceGraph {
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return seed % below;
  };
  const tier = Math.ceil(count / 6);
  const lines = new Set<string>();
  for (let i = 0; i < count; i++) {
    const next = (Math.floor(i / tier) + 1) * tier;
    if (next < count)
      for (let k = 0; k < 2; k++) lines.add(`s${i}>s${Math.min(count - 1, next + random(tier))}`);
    lines.add(`s${i}>db:d${i}`);
  }
  return answer(...lines);
}

describe("layout", () => {
  it("puts callers before what they call", () => {
    const { places } = layOut(shapeOf(graph("web>cart", "cart>db:items"), true));
    const x = (key: string) => places.get(key)!.x;
    expect(x("service//web")).toBeLessThan(x("service//cart"));
    expect(x("service//cart")).toBeLessThan(x("database//items"));
  });

  it("has circles and calls to oneself", () => {
    const g = graph("a>b", "b>a", "a>a");
    expect(layOut(shapeOf(g, true)).ways.size).toBe(3);
  });

  it("stays while places are as they were, and is made anew for others", () => {
    const made = layOut(shapeOf(graph(...SHOP), true));
    expect(fits(made, shapeOf(graph(...SHOP, "web>catalog"), true))).toBe(true);
    expect(fits(made, shapeOf(graph(...SHOP.slice(1)), true))).toBe(true);
    expect(fits(made, shapeOf(graph(...SHOP, "web>search"), true))).toBe(false);
  });

  it("lets no two boxes of 200 services cover each other, and all names be read at half the size", () => {
    const g = fold(graphOf(system(200)));
    expect(g.places.size).toBe(200);
    const { places, width, height } = layOut(shapeOf(g, true));
    const boxes = [...places.values()].map((p) => ({ x: p.x, y: p.y, ...BOX }));
    expect(withoutOverlap(boxes).every(Boolean)).toBe(true);
    const camera = showAll({ width, height }, { width: 1440, height: 760 });
    expect(camera.scale).toBeGreaterThan(0.1);
    const letters = (scale: number) =>
      [...places.values()].map((p) => ({ x: p.x * scale - 20, y: p.y * scale - 7, width: 40, height: 15 }));
    expect(withoutOverlap(letters(0.5)).every(Boolean)).toBe(true);
    // A machine that is busy with other things needs long for the layout.
  }, 60_000);
});

describe("lines", () => {
  const way = [
    { x: 0, y: 0 },
    { x: 10, y: 0 },
    { x: 10, y: 30 },
  ];
  it("have a middle and a distance", () => {
    expect(middle(way)).toEqual({ x: 10, y: 10 });
    expect(distanceTo(way, { x: 14, y: 20 })).toBe(4);
    expect(distanceTo(way, { x: 10, y: 36 })).toBe(6);
  });
});

describe("the camera", () => {
  it("shows all in the middle, never larger than drawn", () => {
    expect(showAll({ width: 100, height: 50 }, { width: 300, height: 250 })).toEqual({
      scale: 1,
      x: 100,
      y: 100,
    });
    expect(showAll({ width: 1000, height: 50 }, { width: 532, height: 100 }).scale).toBe(0.5);
  });

  it("zooms about a point", () => {
    const camera = zoomAt({ x: 10, y: 20, scale: 1 }, 2, 110, 220);
    expect(camera).toEqual({ x: -90, y: -180, scale: 2 });
    expect(zoomAt(camera, 100, 0, 0).scale).toBe(2);
    expect(pan(camera, 5, -5)).toEqual({ x: -85, y: -185, scale: 2 });
  });

  it("brings a place to the middle, large enough to read", () => {
    expect(centre({ x: 0, y: 0, scale: 0.2 }, { x: 100, y: 100 }, { width: 400, height: 200 })).toEqual({
      scale: 0.8,
      x: 120,
      y: 20,
    });
  });
});

describe("searches", () => {
  const g = graph("web>cart", "cart~mail", "cart>db:items");
  const of = (key: string) => g.places.get(key)!;
  const find = (to: string) => [...g.calls.values()].find((c) => c.to === to)!;
  it("for a service, its calls, its messages and its failures", () => {
    expect(placeQuery(of("service//cart"))).toBe('{ resource.service.name = "cart" }');
    const call = find("service//cart");
    expect(callsQuery(of(call.from), of(call.to), call)).toBe(
      '{ resource.service.name = "web" } > { resource.service.name = "cart" }',
    );
    expect(callsQuery(of(call.from), of(call.to), call, true)).toBe(
      '{ resource.service.name = "web" && status = error } > { resource.service.name = "cart" }',
    );
    const message = find("service//mail");
    expect(callsQuery(of(message.from), of(message.to), message)).toBe(
      '({ resource.service.name = "cart" && kind = producer } && { resource.service.name = "mail" && kind = consumer }) || { resource.service.name = "mail" && kind = consumer && link:traceID != nil }',
    );
  });
  it("among the traces that the map is of", () => {
    const call = "{ a } > { b }";
    expect(alsoMatching(call, "")).toBe(call);
    expect(alsoMatching(call, "{ status = error || kind = server }")).toBe(
      "({ a } > { b }) && ({ status = error || kind = server })",
    );
    expect(alsoMatching(call, "{ a } || { b }")).toBe("({ a } > { b }) && ({ a } || { b })");
    expect(alsoMatching(call, "{ a } | count() > 3")).toBe(call);
  });
  it("for a database, by any attribute that may have named it", () => {
    const call = find("database//items");
    const query = callsQuery(of(call.from), of(call.to), call);
    expect(query).toContain('resource.service.name = "cart" && (kind = client || kind = producer)');
    expect(query).toContain('span.db.namespace = "items" || span.db.name = "items"');
  });
});
