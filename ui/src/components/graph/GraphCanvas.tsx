// A graph of services, drawn: boxes with names as buttons, calls as lines, and a camera over them.

import { type PointerEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { text } from "../../base/strings";
import { drawGraph, readGraphInk, type Scene } from "../../canvas/graph";
import { prepare, readInk } from "../../canvas/surface";
import { centre, pan } from "../../model/camera";
import type { Graph } from "../../model/graph";
import { BOX, distanceTo, type Layout, nextPlace } from "../../model/graphLayout";
import { spread } from "../../model/graphSpread";
import { useShortcuts } from "../../state/shortcuts";
import { useTheme } from "../../state/theme";
import { useSize } from "../../state/window";
import { Icon } from "../Icon";
import { EdgeLabels, type EdgeLine, PlaceLabels } from "./Labels";
import { useCamera } from "./useCamera";
import { useLayout } from "./useLayout";

/** How near to an edge, in pixels, the pointer means it. */
const REACH = 7;
/** A page below this width has its panel at the bottom. */
const WIDE = 760;
/** The height of the strip at the bottom that has buttons. */
const FOOT = 40;
const NOTHING: Layout = { width: 0, height: 0, places: new Map(), ways: new Map() };

interface GraphProps {
  shown: Graph;
  /** What the graph is about: another scope is laid out anew and shown whole. */
  scope: string;
  /** What to draw on a layout; the same function as long as nothing but the layout changes. */
  sceneOn: (layout: Layout) => Scene;
  /** The figures below names and on edges, by key. */
  placeLines: ReadonlyMap<string, string>;
  edgeLines: ReadonlyMap<string, EdgeLine>;
  selected: string | undefined;
  /** Brought to the middle each time its number changes. */
  focus?: { readonly key: string; readonly times: number } | undefined;
  /** The width that a panel covers on the right. */
  covered?: number;
  /** Whether arrow keys walk from place to place and select, or else move the drawing. */
  walk?: boolean;
  onSelect: (key: string | undefined) => void;
  children?: ReactNode;
}

export function GraphCanvas(props: GraphProps) {
  const { shown, sceneOn, selected, focus, covered = 0, walk = false, onSelect } = props;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSize(box);
  const { shown: theme } = useTheme();
  const across = size.width >= size.height;
  const view = useMemo(() => ({ width: size.width, height: Math.max(0, size.height - FOOT) }), [size]);
  const made = useLayout(shown, `${props.scope} ${across}`, across);
  const layout = useMemo(
    () => (made ? spread(made.layout, shown.calls.values(), across, view) : NOTHING),
    [made, shown, across, view],
  );
  const camera = useCamera(box, view, made && layout, made?.scope ?? "", !walk);
  const [hovered, setHovered] = useState<string>();
  const active = hovered ?? selected;

  const scene = useMemo(() => sceneOn(layout), [sceneOn, layout]);
  const faded = useMemo(() => new Set(scene.edges.filter((e) => e.faded).map((e) => e.key)), [scene]);
  const folded = useMemo(() => new Map([...shown.places].map(([key, p]) => [key, p.folded])), [shown]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme changes the colours that are read
  const ink = useMemo(() => readGraphInk(readInk()), [theme]);
  useEffect(() => {
    const element = canvas.current;
    const context = element && size.width > 0 ? prepare(element, size.width, size.height) : null;
    if (context) drawGraph(context, scene, camera.camera, size, ink, active);
  });

  const go = (dx: number, dy: number) => () => {
    const next = nextPlace(layout, selected ?? "", dx, dy);
    if (next !== undefined) onSelect(next);
  };
  useShortcuts(
    walk ? { ArrowLeft: go(-1, 0), ArrowRight: go(1, 0), ArrowUp: go(0, -1), ArrowDown: go(0, 1) } : {},
  );

  const toMove = useRef({ layout, camera, size });
  toMove.current = { layout, camera, size };
  useEffect(() => {
    const at = focus && toMove.current.layout.places.get(focus.key);
    if (at) toMove.current.camera.move(centre(toMove.current.camera.camera, at, toMove.current.size));
  }, [focus]);

  // What is selected must not lie under the panel that tells of it.
  useEffect(() => {
    const { camera, layout, size } = toMove.current;
    const at = selected === undefined ? undefined : layout.places.get(selected);
    if (!at || covered === 0 || size.width < WIDE) return;
    const right = (at.x + BOX.width / 2) * camera.camera.scale + camera.camera.x;
    const over = right - (size.width - covered);
    if (over > 0) camera.move(pan(camera.camera, -over, 0));
  }, [selected, covered]);

  const edgeAt = (event: PointerEvent): string | undefined => {
    const rect = box.current!.getBoundingClientRect();
    const { x, y, scale } = camera.camera;
    const p = { x: (event.clientX - rect.left - x) / scale, y: (event.clientY - rect.top - y) / scale };
    let [best, key]: [number, string | undefined] = [REACH / scale, undefined];
    for (const edge of scene.edges) {
      const distance = distanceTo(edge.way, p);
      if (distance < best) [best, key] = [distance, edge.key];
    }
    return key;
  };
  const overButton = (event: PointerEvent) => (event.target as Element).closest("button") !== null;
  const { handlers } = camera;

  return (
    <div
      ref={box}
      className={hovered ? "map-canvas pointing" : "map-canvas"}
      {...handlers}
      onPointerMove={(event) => {
        handlers.onPointerMove(event);
        if (!camera.isHeld() && !overButton(event)) setHovered(edgeAt(event));
      }}
      onPointerUp={(event) => {
        handlers.onPointerUp(event);
        if (!camera.wasDragged() && !overButton(event)) onSelect(edgeAt(event));
      }}
      onPointerLeave={() => setHovered(undefined)}
    >
      <canvas ref={canvas} aria-hidden="true" />
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms */}
      <div
        role="group"
        aria-label={text.map.canvas}
        className="map-labels"
        style={{ transform: `translate(${camera.camera.x}px, ${camera.camera.y}px)` }}
      >
        <EdgeLabels
          shown={shown}
          lines={props.edgeLines}
          layout={layout}
          scale={camera.camera.scale}
          active={active}
          faded={faded}
        />
        <PlaceLabels
          places={scene.places}
          lines={props.placeLines}
          folded={folded}
          scale={camera.camera.scale}
          selected={selected}
          onSelect={onSelect}
          onHover={setHovered}
        />
      </div>
      {props.children}
      <div className="map-zoom">
        <button type="button" onClick={camera.zoomIn} aria-label={text.map.zoomIn} title={text.map.zoomIn}>
          +
        </button>
        <button type="button" onClick={camera.zoomOut} aria-label={text.map.zoomOut} title={text.map.zoomOut}>
          −
        </button>
        <button type="button" onClick={camera.showAll} aria-label={text.map.fit} title={text.map.fit}>
          <Icon name="focus" />
        </button>
      </div>
    </div>
  );
}
