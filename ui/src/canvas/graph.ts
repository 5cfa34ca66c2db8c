// Draws the service graph: edges with arrows, and the shapes of places. Their names are text on top of it.

import type { NodeKind } from "../api/analysis";
import { serviceColor } from "../base/color";
import type { Camera, Size } from "../model/camera";
import type { Change } from "../model/graph";
import { BOX, type Point } from "../model/graphLayout";
import type { Ink } from "./surface";

export interface PlaceMark {
  readonly key: string;
  readonly kind: NodeKind;
  readonly name: string;
  readonly at: Point;
  readonly errorShare: number;
  /** Far from what is looked at, or without a call in the time. */
  readonly faded: boolean;
  readonly change: Change | undefined;
}

export interface EdgeMark {
  readonly key: string;
  readonly way: readonly Point[];
  /** Calls a second; 0 draws the thinnest line. */
  readonly rate: number;
  readonly errorShare: number;
  readonly messaging: boolean;
  readonly faded: boolean;
  readonly change: Change | undefined;
}

export interface Scene {
  readonly places: readonly PlaceMark[];
  readonly edges: readonly EdgeMark[];
}

export interface GraphInk extends Ink {
  readonly edge: string;
  readonly warn: string;
  readonly raised: string;
}

export function readGraphInk(ink: Ink): GraphInk {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return {
    ...ink,
    edge: `color-mix(in oklab, ${of("--text-3")} 45%, ${of("--line")})`,
    warn: of("--warn"),
    raised: of("--raised"),
  };
}

/** The width of an edge in pixels: by the logarithm of its rate, so that both 1/min and 1,000/s can be seen. */
export const edgeWidth = (rate: number) =>
  rate > 0 ? Math.min(7, Math.max(1, 1.5 + 1.2 * Math.log10(rate * 10))) : 1;

/** How red a share of errors is, 0 to 1: one in ten thousand can be told from none, a fifth is all red. */
export const redness = (errorShare: number) =>
  errorShare <= 0 ? 0 : Math.min(1, 0.25 + 0.75 * Math.sqrt(errorShare / 0.2));

const mixed = (from: string, to: string, part: number) =>
  part <= 0 ? from : `color-mix(in oklab, ${to} ${Math.round(part * 100)}%, ${from})`;

const changeColor = (ink: GraphInk, change: Change | undefined) =>
  change === "new" ? ink.accent : change === "worse" ? ink.warn : undefined;

export function drawGraph(
  c: CanvasRenderingContext2D,
  scene: Scene,
  camera: Camera,
  size: Size,
  ink: GraphInk,
  active: string | undefined,
): void {
  c.save();
  c.translate(camera.x, camera.y);
  c.scale(camera.scale, camera.scale);
  // What is outside of this, in the drawing's units, is not drawn.
  const view = {
    left: -camera.x / camera.scale,
    top: -camera.y / camera.scale,
    right: (size.width - camera.x) / camera.scale,
    bottom: (size.height - camera.y) / camera.scale,
  };
  // Lines keep much of their width when all is small.
  const thick = Math.min(1.6, 1 / Math.sqrt(camera.scale));
  const later: EdgeMark[] = [];
  for (const edge of scene.edges) {
    if (outside(edge.way, view)) continue;
    if (edge.key === active) later.push(edge);
    else drawEdge(c, edge, thick, ink, false);
  }
  for (const edge of later) drawEdge(c, edge, thick, ink, true);
  for (const place of scene.places) {
    if (outside([place.at], view, BOX.width)) continue;
    drawPlace(c, place, thick, ink, place.key === active);
  }
  c.restore();
}

function outside(
  points: readonly Point[],
  view: { left: number; top: number; right: number; bottom: number },
  margin = 24,
): boolean {
  return (
    points.every((p) => p.x < view.left - margin) ||
    points.every((p) => p.x > view.right + margin) ||
    points.every((p) => p.y < view.top - margin) ||
    points.every((p) => p.y > view.bottom + margin)
  );
}

function drawEdge(
  c: CanvasRenderingContext2D,
  e: EdgeMark,
  thick: number,
  ink: GraphInk,
  active: boolean,
): void {
  const width = edgeWidth(e.rate) * thick;
  c.globalAlpha = e.faded && !active ? 0.22 : 1;
  const color =
    changeColor(ink, e.change) ?? mixed(active ? ink.muted : ink.edge, ink.error, redness(e.errorShare));
  c.strokeStyle = color;
  c.fillStyle = color;
  c.lineWidth = width;
  c.lineCap = "round";
  c.setLineDash(e.change === "gone" ? [2, 6 * thick] : e.messaging ? [8, 5] : []);
  if (active) {
    c.save();
    c.strokeStyle = ink.accent;
    c.globalAlpha = 0.25;
    c.setLineDash([]);
    c.lineWidth = width + 8 * thick;
    trace(c, e.way);
    c.stroke();
    c.restore();
  }
  const tip = e.way.at(-1);
  const before = e.way.at(-2);
  if (!tip || !before) return;
  trace(c, e.way);
  c.stroke();
  c.setLineDash([]);
  arrow(c, before, tip, (5 + width) * 0.9 * Math.min(1.3, thick));
}

/** A smooth line: it begins and ends as the points do and bends at the middles between them. */
function trace(c: CanvasRenderingContext2D, way: readonly Point[]): void {
  c.beginPath();
  c.moveTo(way[0]!.x, way[0]!.y);
  for (let i = 1; i < way.length - 1; i++) {
    const [p, next] = [way[i]!, way[i + 1]!];
    const last = i === way.length - 2;
    c.quadraticCurveTo(p.x, p.y, last ? next.x : (p.x + next.x) / 2, last ? next.y : (p.y + next.y) / 2);
  }
  if (way.length === 2) c.lineTo(way[1]!.x, way[1]!.y);
}

function arrow(c: CanvasRenderingContext2D, from: Point, to: Point, length: number): void {
  const angle = Math.atan2(to.y - from.y, to.x - from.x);
  c.save();
  c.translate(to.x, to.y);
  c.rotate(angle);
  c.beginPath();
  c.moveTo(1, 0);
  c.lineTo(-length, -length * 0.55);
  c.lineTo(-length, length * 0.55);
  c.closePath();
  c.fill();
  c.restore();
}

function drawPlace(
  c: CanvasRenderingContext2D,
  p: PlaceMark,
  thick: number,
  ink: GraphInk,
  active: boolean,
): void {
  const [w, h] = [BOX.width, BOX.height];
  const [x, y] = [p.at.x - w / 2, p.at.y - h / 2];
  c.globalAlpha = 1;
  c.setLineDash([]);
  if (active) {
    c.strokeStyle = ink.accent;
    c.lineWidth = 2.5 * thick;
    c.beginPath();
    c.roundRect(x - 4, y - 4, w + 8, h + 8, 9);
    c.stroke();
  }
  // Opaque first: edges must not shine through what is faded.
  outline(c, p.kind, x, y, w, h);
  c.fillStyle = ink.background;
  c.fill();
  c.globalAlpha = p.faded && !active ? 0.35 : 1;
  c.fillStyle = p.errorShare > 0 ? mixed(ink.raised, ink.error, redness(p.errorShare) * 0.14) : ink.raised;
  c.fill();
  c.strokeStyle = changeColor(ink, p.change) ?? mixed(ink.edge, ink.error, redness(p.errorShare));
  c.lineWidth = (p.change ? 2 : 1.25) * thick;
  if (p.kind === "external" || p.change === "gone") c.setLineDash([5, 4]);
  c.stroke();
  c.setLineDash([]);
  if (p.kind === "service") {
    c.save();
    c.clip();
    c.fillStyle = serviceColor(p.name);
    c.fillRect(x, y, 6, h);
    c.restore();
  } else if (p.kind === "database") {
    c.beginPath();
    c.ellipse(x + w / 2, y + 5, w / 2, 5, 0, 0, Math.PI);
    c.stroke();
  } else if (p.kind === "messaging") {
    c.beginPath();
    for (const from of [12, 18]) {
      c.moveTo(x + w - from, y);
      c.lineTo(x + w - from, y + h);
    }
    c.stroke();
  }
  c.globalAlpha = 1;
}

/** A service is a box, a database a drum, a queue a pipe, and what is outside has a dashed border. */
function outline(
  c: CanvasRenderingContext2D,
  kind: NodeKind,
  x: number,
  y: number,
  w: number,
  h: number,
): void {
  c.beginPath();
  if (kind === "database") {
    c.moveTo(x, y + 5);
    c.ellipse(x + w / 2, y + 5, w / 2, 5, 0, Math.PI, 2 * Math.PI);
    c.lineTo(x + w, y + h - 5);
    c.ellipse(x + w / 2, y + h - 5, w / 2, 5, 0, 0, Math.PI);
    c.closePath();
  } else if (kind === "messaging") c.roundRect(x, y, w, h, h / 2);
  else c.roundRect(x, y, w, h, 6);
}
