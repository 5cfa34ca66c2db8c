// A large graph's layout made to fill the view: the layers of many services are long and thin.

import type { Size } from "./camera";
import { BOX, type Layout, type Point } from "./graphLayout";

/** The scale from which on boxes show all they have: what fits at it is left as it is. */
const LEGIBLE = 0.72;
/** Another arrangement hides how the lines ran: it must be worth so much of scale. */
const WORTH = 1.25;
const MARGIN = 8;
/** Between boxes along a layer, between the rows of one layer, and between layers. */
const GAP = 14;
const ROW_GAP = 24;
const LAYER_GAP = 90;

interface Ends {
  readonly key: string;
  readonly from: string;
  readonly to: string;
}

/** How large the whole drawing can be shown. */
const scaleOf = (drawing: Size, view: Size) =>
  Math.min(view.width / Math.max(1, drawing.width), view.height / Math.max(1, drawing.height));

/**
 * The layout for a view. Long layers are broken into several rows where that lets all be larger, and then the drawing
 * is drawn apart until it has the view's proportions. Boxes keep their size.
 */
export function spread(layout: Layout, calls: Iterable<Ends>, across: boolean, view: Size): Layout {
  if (layout.places.size === 0 || view.width <= 0 || view.height <= 0) return layout;
  const scale = scaleOf(layout, view);
  if (scale >= LEGIBLE) return layout;
  const packed = pack(layout, across, view);
  return stretch(scaleOf(packed, view) > scale * WORTH ? packed : layout, calls, view);
}

/** Layers as lists of places, in the layout's order. */
function layersOf(layout: Layout, across: boolean): string[][] {
  const layers = new Map<number, [along: number, key: string][]>();
  for (const [key, { x, y }] of layout.places) {
    const [layer, along] = across ? [x, y] : [y, x];
    const at = Math.round(layer);
    layers.set(at, [...(layers.get(at) ?? []), [along, key]]);
  }
  return [...layers]
    .sort((a, b) => a[0] - b[0])
    .map(([, places]) => places.sort((a, b) => a[0] - b[0]).map(([, key]) => key));
}

/** Lays layers out anew with as many places in a row as makes the whole largest; its lines are straight. */
function pack(layout: Layout, across: boolean, view: Size): Layout {
  const layers = layersOf(layout, across);
  const [along, deep] = across ? [BOX.height, BOX.width] : [BOX.width, BOX.height];
  const sizeOf = (most: number): Size => {
    const rows = layers.reduce((n, layer) => n + Math.ceil(layer.length / most), 0);
    const depth =
      2 * MARGIN + rows * deep + (rows - layers.length) * ROW_GAP + (layers.length - 1) * LAYER_GAP;
    const length = 2 * MARGIN + most * (along + GAP) - GAP;
    return across ? { width: depth, height: length } : { width: length, height: depth };
  };
  let best = 1;
  for (let most = 2; most <= Math.max(...layers.map((l) => l.length)); most++)
    if (scaleOf(sizeOf(most), view) > scaleOf(sizeOf(best), view)) best = most;

  const size = sizeOf(best);
  const length = across ? size.height : size.width;
  const places = new Map<string, Point>();
  let depth = MARGIN + deep / 2;
  for (const layer of layers) {
    const rows = Math.ceil(layer.length / best);
    const columns = Math.ceil(layer.length / rows);
    layer.forEach((key, i) => {
      const at = ((Math.floor(i / rows) + 0.5) * (length - 2 * MARGIN)) / columns + MARGIN;
      const row = depth + (i % rows) * (deep + ROW_GAP);
      places.set(key, across ? { x: row, y: at } : { x: at, y: row });
    });
    depth += rows * deep + (rows - 1) * ROW_GAP + LAYER_GAP;
  }
  return { ...size, places, ways: new Map() };
}

/** Draws a layout apart in one direction until it has the proportions of the view. */
function stretch(layout: Layout, calls: Iterable<Ends>, view: Size): Layout {
  const scale = scaleOf(layout, view);
  const [width, height] = [view.width / scale, view.height / scale];
  const along = (to: number, from: number, box: number) => {
    const edge = MARGIN + box / 2;
    const factor = from > 2 * edge ? Math.max(1, (to - 2 * edge) / (from - 2 * edge)) : 1;
    const start = factor === 1 ? (to - from) / 2 : 0; // what cannot be drawn apart stays in the middle
    return (at: number) => edge + (at - edge) * factor + Math.max(0, start);
  };
  const x = along(width, layout.width, BOX.width);
  const y = along(height, layout.height, BOX.height);
  const places = new Map<string, Point>();
  for (const [key, p] of layout.places) places.set(key, { x: x(p.x), y: y(p.y) });
  const ways = new Map<string, readonly Point[]>();
  for (const { key, from, to } of calls) {
    const way = layout.ways.get(key);
    if (!way) continue;
    // Where a line leaves a box it stays at that place of the box; a service's line to itself does all the way.
    const beside = (p: Point, place: string): Point => {
      const [before, after] = [layout.places.get(place)!, places.get(place)!];
      return { x: p.x - before.x + after.x, y: p.y - before.y + after.y };
    };
    ways.set(
      key,
      way.map((p, i) => {
        if (from === to || i === 0) return beside(p, from);
        return i === way.length - 1 ? beside(p, to) : { x: x(p.x), y: y(p.y) };
      }),
    );
  }
  return { width: Math.max(width, layout.width), height: Math.max(height, layout.height), places, ways };
}
