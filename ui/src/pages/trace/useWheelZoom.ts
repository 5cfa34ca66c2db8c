import { type RefObject, useEffect, useRef } from "react";
import type { View } from "../../canvas/spans";

/** Nanoseconds that can still be shown across the whole width. */
const LEAST = 100;

/** A pinch, or the wheel with Ctrl, zooms about the pointer; sideways, or with Shift, it moves what is zoomed. */
export function useWheelZoom(
  element: RefObject<HTMLElement | null>,
  /** Where time is in the element, in pixels. */
  place: { left: number; width: number },
  view: View,
  all: View,
  zoom: (to: View | undefined) => void,
): void {
  const now = useRef({ place, view, all, zoom });
  now.current = { place, view, all, zoom };
  useEffect(() => {
    const target = element.current;
    if (!target) return;
    const onWheel = (event: WheelEvent) => {
      const { place, view, all, zoom } = now.current;
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      const zooms = event.ctrlKey || event.metaKey;
      if (!zooms && (sideways === 0 || Math.abs(event.deltaY) > Math.abs(sideways))) return;
      event.preventDefault();
      const x = event.clientX - target.getBoundingClientRect().left - place.left;
      const share = Math.min(1, Math.max(0, x / Math.max(1, place.width)));
      const next = zooms
        ? zoomed(view, share, Math.exp(Math.max(-50, Math.min(50, event.deltaY)) * 0.01))
        : moved(view, (sideways / Math.max(1, place.width)) * (view.to - view.from));
      zoom(within(next, all));
      // Several turns of the wheel may come before the next frame.
      now.current = { ...now.current, view: within(next, all) ?? all };
    };
    target.addEventListener("wheel", onWheel, { passive: false });
    return () => target.removeEventListener("wheel", onWheel);
  }, [element]);
}

function zoomed(view: View, share: number, by: number): View {
  const at = view.from + share * (view.to - view.from);
  return { from: at - (at - view.from) * by, to: at + (view.to - at) * by };
}

const moved = (view: View, by: number): View => ({ from: view.from + by, to: view.to + by });

/** The view kept within all there is; undefined where it is all of it. */
function within(view: View, all: View): View | undefined {
  const width = Math.max(LEAST, view.to - view.from);
  if (width >= all.to - all.from) return undefined;
  const from = Math.min(Math.max(view.from, all.from), all.to - width);
  return { from, to: from + width };
}
