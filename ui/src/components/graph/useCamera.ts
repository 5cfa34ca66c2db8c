// Moving about the drawing: wheel, drag, pinch and keys.

import { type PointerEvent, type RefObject, useEffect, useRef, useState } from "react";
import { type Camera, pan, type Size, showAll, zoomAt } from "../../model/camera";
import { useShortcuts } from "../../state/shortcuts";

const STEP = 80;
const ZOOM = 1.3;

/**
 * The camera over a drawing. Until it is moved by hand it shows everything, whatever the size of the view; `scope`
 * names what is drawn, and another one is shown whole again. The arrow keys are the camera's unless `arrows` says no.
 */
export function useCamera(
  view: RefObject<HTMLElement | null>,
  size: Size,
  drawing: Size | undefined,
  scope: string,
  arrows: boolean,
) {
  const [moved, setMoved] = useState<{ camera: Camera; scope: string }>();
  const whole = drawing ? showAll(drawing, size) : { x: 0, y: 0, scale: 1 };
  const camera = moved && moved.scope === scope ? moved.camera : whole;
  const current = useRef(camera);
  current.current = camera;
  const move = (next: Camera) => {
    current.current = next;
    setMoved({ camera: next, scope });
  };
  const latest = useRef(move);
  latest.current = move;
  const zoom = (factor: number) => move(zoomAt(current.current, factor, size.width / 2, size.height / 2));
  const back = () => setMoved(undefined);
  const by = (dx: number, dy: number) => () => move(pan(current.current, dx * STEP, dy * STEP));

  useShortcuts({
    "+": () => zoom(ZOOM),
    "=": () => zoom(ZOOM),
    "-": () => zoom(1 / ZOOM),
    "0": back,
    ...(arrows && {
      ArrowLeft: by(1, 0),
      ArrowRight: by(-1, 0),
      ArrowUp: by(0, 1),
      ArrowDown: by(0, -1),
    }),
  });

  useEffect(() => {
    const element = view.current;
    if (!element) return;
    // Not through React, whose wheel listeners cannot keep the page from scrolling.
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      const lines = event.deltaMode === 1 ? 16 : 1;
      const factor = Math.exp((-event.deltaY * lines * (event.ctrlKey ? 4 : 1)) / 500);
      latest.current(zoomAt(current.current, factor, event.clientX - box.left, event.clientY - box.top));
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [view]);

  const pointers = useRef(new Map<number, { x: number; y: number }>());
  const dragged = useRef(false);
  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    if (pointers.current.size === 0) dragged.current = false;
    pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
  };
  const onPointerMove = (event: PointerEvent) => {
    const held = pointers.current;
    const last = held.get(event.pointerId);
    if (!last) return;
    const now = { x: event.clientX, y: event.clientY };
    if (!dragged.current && Math.hypot(now.x - last.x, now.y - last.y) < 4) return;
    if (!dragged.current) (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    dragged.current = true;
    if (held.size === 1) move(pan(current.current, now.x - last.x, now.y - last.y));
    else {
      const other = [...held].find(([id]) => id !== event.pointerId)![1];
      const box = event.currentTarget.getBoundingClientRect();
      const factor =
        Math.hypot(now.x - other.x, now.y - other.y) /
        Math.max(1, Math.hypot(last.x - other.x, last.y - other.y));
      const at = { x: (now.x + other.x) / 2 - box.left, y: (now.y + other.y) / 2 - box.top };
      move(zoomAt(current.current, factor, at.x, at.y));
    }
    held.set(event.pointerId, now);
  };
  const onPointerUp = (event: PointerEvent) => pointers.current.delete(event.pointerId);

  return {
    camera,
    move,
    zoomIn: () => zoom(ZOOM),
    zoomOut: () => zoom(1 / ZOOM),
    showAll: back,
    /** Whether the pointer that was let go had moved the drawing: that is no click. */
    wasDragged: () => dragged.current,
    isHeld: () => pointers.current.size > 0,
    handlers: { onPointerDown, onPointerMove, onPointerUp, onPointerCancel: onPointerUp },
  };
}
