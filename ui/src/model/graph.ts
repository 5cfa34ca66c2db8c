// The service graph as the map shows it: what stands in it, what calls what, and how that goes.

import type {
  GraphEdge,
  GraphNode,
  Latency,
  NodeKind,
  ServiceGraph,
  ServiceGraphChanges,
} from "../api/analysis";

/** What stands in the graph. */
export interface Place {
  readonly key: string;
  readonly kind: NodeKind;
  readonly name: string;
  /** Of a database or queue, such as "postgresql"; "" where it is not known. */
  readonly system: string;
  readonly spanCount: number;
  readonly errorCount: number;
  /** Databases and the like that only this one calls and that are not shown, see `fold`. */
  readonly folded: number;
}

export type Change = "new" | "gone" | "worse";

/** The calls from one place to another. */
export interface Calls {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  readonly messaging: boolean;
  readonly count: number;
  readonly errors: number;
  readonly client: Latency | undefined;
  readonly server: Latency | undefined;
}

export interface Graph {
  readonly places: ReadonlyMap<string, Place>;
  readonly calls: ReadonlyMap<string, Calls>;
}

export const EMPTY: Graph = { places: new Map(), calls: new Map() };

/** Names a place: a service and its database may have the same name. */
export const placeKey = (kind: NodeKind, name: string, system = "") => `${kind}/${system}/${name}`;

const place = (node: GraphNode): Place => ({
  key: placeKey(node.kind, node.name, node.system),
  kind: node.kind,
  name: node.name,
  system: node.system ?? "",
  spanCount: node.spanCount ?? 0,
  errorCount: node.errorCount ?? 0,
  folded: 0,
});

function calls(edge: GraphEdge): Calls {
  const from = placeKey("service", edge.client);
  const to = placeKey(edge.serverKind, edge.server, edge.serverSystem);
  return {
    key: `${from} ${edge.messaging ? "⇢" : "→"} ${to}`,
    from,
    to,
    messaging: edge.messaging,
    count: edge.callCount,
    errors: edge.errorCount,
    client: edge.clientLatency,
    server: edge.serverLatency,
  };
}

/** Puts entries into an order that does not depend on the answer's. */
const byKey = <T extends { readonly key: string }>(items: Iterable<T>): Map<string, T> =>
  new Map([...items].sort((a, b) => (a.key < b.key ? -1 : 1)).map((item) => [item.key, item]));

export const graphOf = (answer: ServiceGraph): Graph => ({
  places: byKey(answer.nodes.map(place)),
  calls: byKey(answer.edges.map(calls)),
});

/** A share of calls; 0 of none. */
export const share = (part: number, whole: number) => (whole > 0 ? part / whole : 0);

/** How long calls take: as the called side tells, or else the caller. */
export const latencyOf = (c: Calls): Latency | undefined => c.server ?? c.client;

// Fewer calls than this say nothing about how calls go.
const ENOUGH = 20;

/** What has become of calls. Worse: errors more by two points and half of what they were, or p90 by half. */
export function changeOf(before: Calls, after: Calls): Change | undefined {
  if (before.count === 0) return after.count === 0 ? undefined : "new";
  if (after.count === 0) return "gone";
  if (before.count < ENOUGH || after.count < ENOUGH) return undefined;
  const [was, is] = [share(before.errors, before.count), share(after.errors, after.count)];
  if (is - was >= 0.02 && is >= was * 1.5) return "worse";
  const [slow, slower] = [latencyOf(before), latencyOf(after)];
  if (slow && slower && Number(slower.p90Nanos) >= Number(slow.p90Nanos) * 1.5) return "worse";
  return undefined;
}

export interface Changes {
  /** By the key of calls, and of places. */
  readonly calls: ReadonlyMap<string, { readonly change: Change | undefined; readonly before: Calls }>;
  readonly places: ReadonlyMap<string, "new" | "gone">;
  /** Calls that are gone, as they were. */
  readonly gone: readonly Calls[];
}

export function changesOf(answer: ServiceGraphChanges): Changes {
  const known = new Map<string, { change: Change | undefined; before: Calls }>();
  const gone: Calls[] = [];
  for (const edge of answer.edges) {
    const [before, after] = [calls(edge.before), calls(edge.after)];
    const change = changeOf(before, after);
    known.set(after.key, { change, before });
    if (change === "gone") gone.push(before);
  }
  const places = new Map<string, "new" | "gone">();
  for (const name of answer.addedServices) places.set(placeKey("service", name), "new");
  for (const name of answer.removedServices) places.set(placeKey("service", name), "gone");
  return { calls: known, places, gone };
}

/** The graph with the calls that are gone, and where they went to, at a count of none. */
export function withGone(graph: Graph, changes: Changes): Graph {
  const places = new Map(graph.places);
  const all = new Map(graph.calls);
  for (const c of changes.gone) {
    if (all.has(c.key)) continue;
    all.set(c.key, { ...c, count: 0, errors: 0, client: undefined, server: undefined });
    for (const key of [c.from, c.to]) {
      const [kind, system, ...name] = key.split("/");
      if (!places.has(key))
        places.set(key, place({ kind: kind as NodeKind, system: system!, name: name.join("/") }));
    }
  }
  return { places: byKey(places.values()), calls: byKey(all.values()) };
}

/** What each place calls and is called by. */
export function neighbours(graph: Graph): Map<string, { readonly out: Calls[]; readonly in: Calls[] }> {
  const near = new Map<string, { out: Calls[]; in: Calls[] }>();
  for (const key of graph.places.keys()) near.set(key, { out: [], in: [] });
  for (const c of graph.calls.values()) {
    near.get(c.from)?.out.push(c);
    near.get(c.to)?.in.push(c);
  }
  return near;
}

/** How many calls along or against their direction each place is away from one, as far as `most`. */
export function distances(graph: Graph, from: string, most: number): Map<string, number> {
  const near = neighbours(graph);
  const found = new Map<string, number>();
  if (!near.has(from)) return found;
  found.set(from, 0);
  // Callers of what is called, and what callers call, belong to other stories: each direction is walked alone.
  for (const side of ["out", "in"] as const) {
    let edge = [from];
    for (let depth = 1; depth <= most && edge.length > 0; depth++) {
      const next: string[] = [];
      for (const key of edge) {
        for (const c of near.get(key)![side]) {
          const other = side === "out" ? c.to : c.from;
          if ((found.get(other) ?? Number.POSITIVE_INFINITY) <= depth) continue;
          found.set(other, depth);
          next.push(other);
        }
      }
      edge = next;
    }
  }
  return found;
}

const only = (graph: Graph, keep: (key: string) => boolean): Graph => ({
  places: new Map([...graph.places].filter(([key]) => keep(key))),
  calls: new Map([...graph.calls].filter(([, c]) => keep(c.from) && keep(c.to))),
});

/** The places at most `depth` calls from one. */
export function around(graph: Graph, key: string, depth: number): Graph {
  const near = distances(graph, key, depth);
  return only(graph, (k) => near.has(k));
}

/** A graph with more places than this is folded. */
export const FOLD_ABOVE = 60;

/** Takes databases, queues and others that a single service calls into that service. */
export function fold(graph: Graph, except?: string): Graph {
  const near = neighbours(graph);
  const into = new Map<string, string>();
  for (const p of graph.places.values()) {
    const { out, in: from } = near.get(p.key)!;
    const callers = new Set(from.map((c) => c.from));
    if (p.kind === "service" || p.key === except || out.length > 0 || callers.size !== 1) continue;
    into.set(p.key, [...callers][0]!);
  }
  const rest = only(graph, (key) => !into.has(key));
  const counts = new Map<string, number>();
  for (const key of into.values()) counts.set(key, (counts.get(key) ?? 0) + 1);
  const places = [...rest.places].map(([key, p]) => [key, { ...p, folded: counts.get(key) ?? 0 }] as const);
  return { places: new Map(places), calls: rest.calls };
}

/** The calls that a place gets, all added up; latencies cannot be added. */
export function received(calls: readonly Calls[]): { count: number; errors: number } {
  let [count, errors] = [0, 0];
  for (const c of calls) {
    count += c.count;
    errors += c.errors;
  }
  return { count, errors };
}
