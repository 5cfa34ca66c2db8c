// The calls of one service, both ways.

import type { GraphEdge } from "../api/analysis";

/** The calls to a service and by it, the most frequent first. One to itself is both. */
export function callsOf(edges: readonly GraphEdge[], service: string) {
  const most = (a: GraphEdge, b: GraphEdge) => b.callCount - a.callCount;
  return {
    from: edges.filter((e) => e.server === service && e.serverKind === "service").sort(most),
    to: edges.filter((e) => e.client === service).sort(most),
  };
}
