import { type PointerEvent, useEffect, useMemo, useRef, useState } from "react";
import { text } from "../../base/strings";
import { drawGraph, readGraphInk } from "../../canvas/graph";
import { prepare, readInk } from "../../canvas/surface";
import { Icon } from "../../components/Icon";
import { centre, pan } from "../../model/camera";
import { type Changes, type Graph, neighbours, received } from "../../model/graph";
import { BOX, distanceTo, type Layout } from "../../model/graphLayout";
import { useTheme } from "../../state/theme";
import { useSize } from "../../state/window";
import { errorsOf, rateOf } from "./figures";
import { EdgeLabels, PlaceLabels } from "./Labels";
import { sceneOf } from "./scene";
import { useCamera } from "./useCamera";
import { useLayout } from "./useLayout";

/** How near to an edge, in pixels, the pointer means it. */
const REACH = 7;
/** The panel's width with a margin; a page below the other width has it at the bottom. */
const PANEL = 356;
const WIDE = 760;
const NOTHING: Layout = { width: 0, height: 0, places: new Map(), ways: new Map() };

/** The graph, drawn. `focus` is brought to the middle each time its number changes. */
export function MapCanvas(props: {
  shown: Graph;
  now: Graph;
  scope: string;
  seconds: number;
  changes: Changes | undefined;
  selected: string | undefined;
  focus: { readonly key: string; readonly times: number } | undefined;
  onSelect: (key: string | undefined) => void;
}) {
  const { shown, now, seconds, changes, selected, focus, onSelect } = props;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSize(box);
  const { shown: theme } = useTheme();
  const across = size.width >= size.height;
  const made = useLayout(shown, `${props.scope} ${across}`, across);
  const layout = made?.layout ?? NOTHING;
  const camera = useCamera(box, size, made?.layout, made?.scope ?? "");
  const [hovered, setHovered] = useState<string>();
  const active = hovered ?? selected;

  const scene = useMemo(
    () => sceneOf(shown, now, layout, seconds, changes, selected),
    [shown, now, layout, seconds, changes, selected],
  );
  const faded = useMemo(() => new Set(scene.edges.filter((e) => e.faded).map((e) => e.key)), [scene]);
  const lines = useMemo(() => {
    const near = neighbours(now);
    return new Map(
      scene.places.map(({ key }) => {
        const calls = received(near.get(key)?.in ?? []);
        if (calls.count === 0) return [key, ""];
        return [key, rateOf(calls.count, seconds) + (calls.errors > 0 ? ` · ${errorsOf(calls)}` : "")];
      }),
    );
  }, [scene, now, seconds]);
  const folded = useMemo(() => new Map([...shown.places].map(([key, p]) => [key, p.folded])), [shown]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme changes the colours that are read
  const ink = useMemo(() => readGraphInk(readInk()), [theme]);
  useEffect(() => {
    const element = canvas.current;
    const context = element && size.width > 0 ? prepare(element, size.width, size.height) : null;
    if (context) drawGraph(context, scene, camera.camera, size, ink, active);
  });

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
    if (!at || size.width < WIDE) return;
    const right = (at.x + BOX.width / 2) * camera.camera.scale + camera.camera.x;
    const over = right - (size.width - PANEL);
    if (over > 0) camera.move(pan(camera.camera, -over, 0));
  }, [selected]);

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
          now={now}
          layout={layout}
          seconds={seconds}
          scale={camera.camera.scale}
          active={active}
          faded={faded}
        />
        <PlaceLabels
          places={scene.places}
          lines={lines}
          folded={folded}
          scale={camera.camera.scale}
          selected={selected}
          onSelect={onSelect}
          onHover={setHovered}
        />
      </div>
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
