// Which of many rows of one height are in sight, with some on either side so that scrolling finds them drawn.

import { type RefObject, useEffect, useLayoutEffect, useState } from "react";

const OVERSCAN = 8;
/** The window moves in steps of this many rows, so that scrolling by a pixel draws nothing. */
const STEP = 8;

/**
 * The rows [first, last) of `count` that should be drawn in the scroller, none before it is measured, and how many they
 * are at most: row i may take the place of row i - most, which is then out of sight.
 */
export function useRowWindow(
  scroller: RefObject<HTMLElement | null>,
  count: number,
  rowHeight: number,
): { first: number; last: number; most: number } {
  const [place, setPlace] = useState({ top: 0, height: 0 });
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const measure = () => {
      const top = Math.floor(element.scrollTop / rowHeight / STEP) * STEP;
      const height = Math.ceil(element.clientHeight / rowHeight);
      setPlace((old) => (old.top === top && old.height === height ? old : { top, height }));
    };
    measure();
    element.addEventListener("scroll", measure, { passive: true });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      element.removeEventListener("scroll", measure);
      observer.disconnect();
    };
  }, [scroller, rowHeight]);
  if (place.height === 0) return { first: 0, last: 0, most: 1 };
  const first = Math.max(0, Math.min(place.top, count) - OVERSCAN);
  const most = place.height + STEP + 2 * OVERSCAN;
  return { first, last: Math.min(count, place.top + most - OVERSCAN), most };
}

/** The size of an element in CSS pixels; zero until it is measured. */
export function useSize(ref: RefObject<HTMLElement | null>): { width: number; height: number } {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => setSize({ width: element.clientWidth, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return size;
}

/** The present time in Unix milliseconds, renewed every `every` milliseconds. */
export function useNow(every: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
