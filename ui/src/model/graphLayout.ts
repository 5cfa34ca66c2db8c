// Where the places of a graph stand: in layers, callers before what they call.

import dagre from "@dagrejs/dagre";
import type { Graph } from "./graph";

/** The box of a place; all are the same, so that a new figure moves nothing. */
export const BOX = { width: 176, height: 48 } as const;
/** Room for the figures on an edge, where there are few edges. */
const LABEL = { width: 118, height: 18 } as const;
const ROOMY = 40;

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** The middles of boxes, by key. */
  readonly places: ReadonlyMap<string, Point>;
  /** The ways of edges, from border to border, by key. */
  readonly ways: ReadonlyMap<string, readonly Point[]>;
}

/** What a layout depends on. */
export interface Shape {
  readonly places: readonly string[];
  readonly calls: readonly { readonly key: string; readonly from: string; readonly to: string }[];
  /** Whether layers go from left to right, or else downwards. */
  readonly across: boolean;
}

export const shapeOf = (graph: Graph, across: boolean): Shape => ({
  places: [...graph.places.keys()],
  calls: [...graph.calls.values()].map(({ key, from, to }) => ({ key, from, to })),
  across,
});

/** Lays a graph out. The same shape always gets the same layout. */
export function layOut(shape: Shape): Layout {
  const roomy = shape.calls.length <= ROOMY;
  const g = new dagre.graphlib.Graph({ multigraph: true });
  g.setGraph({
    rankdir: shape.across ? "LR" : "TB",
    nodesep: roomy ? 24 : 14,
    ranksep: roomy ? 48 : 90,
    edgesep: roomy ? 16 : 8,
    marginx: 8,
    marginy: 8,
  });
  g.setDefaultEdgeLabel(() => ({}));
  for (const key of shape.places) g.setNode(key, { ...BOX });
  for (const { key, from, to } of shape.calls)
    if (from !== to) g.setEdge(from, to, roomy ? { ...LABEL, labelpos: "c" } : {}, key);
  dagre.layout(g);
  const places = new Map<string, Point>();
  for (const key of shape.places) {
    const { x, y } = g.node(key) as Point;
    places.set(key, { x, y });
  }
  const ways = new Map<string, readonly Point[]>();
  for (const { key, from, to } of shape.calls) {
    if (from === to) ways.set(key, loop(places.get(from)!));
    else
      ways.set(
        key,
        (g.edge(from, to, key) as { points: Point[] }).points.map(({ x, y }) => ({ x, y })),
      );
  }
  const { width = 0, height = 0 } = g.graph() as { width?: number; height?: number };
  return { width, height, places, ways };
}

/** The way of a service's calls to itself: over its box. */
function loop({ x, y }: Point): Point[] {
  const top = y - BOX.height / 2;
  return [
    { x: x + 24, y: top },
    { x: x + 20, y: top - 16 },
    { x: x - 20, y: top - 16 },
    { x: x - 24, y: top },
  ];
}

/** The way of an edge that came after the layout: straight. */
export function wayBetween(layout: Layout, from: string, to: string): readonly Point[] {
  const [a, b] = [layout.places.get(from), layout.places.get(to)];
  if (!a || !b) return [];
  return from === to ? loop(a) : [onBorder(a, b), onBorder(b, a)];
}

/** Where the line from a box's middle to another point leaves the box. */
function onBorder(box: Point, to: Point): Point {
  const [dx, dy] = [to.x - box.x, to.y - box.y];
  const t = Math.min(BOX.width / 2 / Math.abs(dx || 1e-9), BOX.height / 2 / Math.abs(dy || 1e-9));
  return { x: box.x + dx * t, y: box.y + dy * t };
}

/**
 * Whether a graph can be shown in a layout made for another: every place has one, and most of the layout is used.
 * Calls that came meanwhile are drawn straight, so that nothing jumps.
 */
export function fits(layout: Layout, shape: Shape): boolean {
  if (layout.places.size > shape.places.length * 1.5 + 4) return false;
  return shape.places.every((key) => layout.places.has(key));
}

/** The place that is next in a direction, such as (1, 0) for the right: near, and rather ahead than aside. */
export function nextPlace(layout: Layout, from: string, dx: number, dy: number): string | undefined {
  const start = layout.places.get(from);
  if (!start) return layout.places.keys().next().value;
  let [best, next]: [number, string | undefined] = [Number.POSITIVE_INFINITY, undefined];
  for (const [key, p] of layout.places) {
    const ahead = (p.x - start.x) * dx + (p.y - start.y) * dy;
    const aside = Math.abs((p.x - start.x) * dy) + Math.abs((p.y - start.y) * dx);
    if (ahead < 1 || ahead + 2 * aside >= best) continue;
    [best, next] = [ahead + 2 * aside, key];
  }
  return next;
}

/** The point half the way along a line. */
export function middle(way: readonly Point[]): Point {
  let rest = 0;
  for (let i = 1; i < way.length; i++)
    rest += Math.hypot(way[i]!.x - way[i - 1]!.x, way[i]!.y - way[i - 1]!.y);
  rest /= 2;
  for (let i = 1; i < way.length; i++) {
    const [a, b] = [way[i - 1]!, way[i]!];
    const length = Math.hypot(b.x - a.x, b.y - a.y);
    if (length >= rest && length > 0)
      return { x: a.x + ((b.x - a.x) * rest) / length, y: a.y + ((b.y - a.y) * rest) / length };
    rest -= length;
  }
  return way[0] ?? { x: 0, y: 0 };
}

/** How far a point is from a line. */
export function distanceTo(way: readonly Point[], p: Point): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < way.length; i++) {
    const [a, b] = [way[i - 1]!, way[i]!];
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const t = Math.max(0, Math.min(1, ((p.x - a.x) * dx + (p.y - a.y) * dy) / (dx * dx + dy * dy || 1)));
    least = Math.min(least, Math.hypot(p.x - a.x - t * dx, p.y - a.y - t * dy));
  }
  return least;
}
