// The time that pages look at: a range in the URL, and the moment that relative ranges end at, which a refresh moves.

import { useEffect, useSyncExternalStore } from "react";
import { millisToNanos } from "../base/format";
import { roundStep } from "../base/ticks";
import { DEFAULT_RANGE, exactRange, windowOf } from "./range";
import { setParams, useLocation } from "./router";

/** Seconds between refreshes. */
export const REFRESHES = [5, 15, 60, 300] as const;

const listeners = new Set<() => void>();
let at = Date.now();
/** What was chosen on the last page that has a time; links to other pages take it along. */
let last = { range: "", live: "" };
/** Pages that show one thing, whatever the time. */
const UNTIMED = /^\/(trace\/|status$|welcome$)/;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Moves the end of relative ranges to the present: everything that depends on it is asked anew. */
export function refreshNow(): void {
  at = Date.now();
  for (const listener of listeners) listener();
}

/** Chooses a range, such as "1h" or exact times. */
export function setRange(range: string): void {
  refreshNow();
  setParams({ range: range === DEFAULT_RANGE ? "" : range });
}

/** Chooses exact times in Unix milliseconds, as by dragging over a chart. */
export const zoomTo = (from: number, to: number) => setRange(exactRange(from, to));

export const setRefresh = (seconds: number) => setParams({ live: seconds > 0 ? String(seconds) : "" });

export interface Time {
  readonly range: string;
  /** Seconds between refreshes; 0 is none. */
  readonly refresh: number;
  /** When relative ranges end, in Unix milliseconds. */
  readonly at: number;
}

export function useTime(): Time {
  const { params } = useLocation();
  const moment = useSyncExternalStore(subscribe, () => at);
  const range = params.get("range") ?? DEFAULT_RANGE;
  return { range, refresh: Number(params.get("live")) || 0, at: moment };
}

/** Refreshes as often as the URL says, while the page can be seen. */
export function useAutoRefresh(): void {
  const { refresh } = useTime();
  useEffect(() => {
    if (!(refresh > 0)) return;
    const timer = setInterval(() => document.visibilityState === "visible" && refreshNow(), refresh * 1000);
    return () => clearInterval(timer);
  }, [refresh]);
}

/** A path of this site with the range that was chosen last. */
export function inTime(path: string): string {
  const { pathname, search } = window.location;
  const now = new URLSearchParams(search);
  if (!UNTIMED.test(pathname) || now.has("range")) {
    last = { range: now.get("range") ?? "", live: now.get("live") ?? "" };
  }
  const params = new URLSearchParams();
  if (last.range) params.set("range", last.range);
  if (last.live) params.set("live", last.live);
  const query = params.toString();
  return query ? `${path}${path.includes("?") ? "&" : "?"}${query}` : path;
}

/** A stretch of time in equal intervals, for charts. */
export interface Grid {
  /** Unix milliseconds. */
  readonly from: number;
  readonly to: number;
  /** Milliseconds. */
  readonly step: number;
  /** The same for the API: nanoseconds, and a duration. */
  readonly start: string;
  readonly end: string;
  readonly stepName: string;
}

/**
 * The grid of a range with about `columns` intervals of a round length. It ends at the first whole interval after the
 * moment, so that refreshing within an interval asks the same question. `oldest` is where open ranges begin.
 */
export function gridOf(time: Time, columns: number, oldest = time.at - 3_600_000): Grid {
  const window = windowOf(time.range, time.at);
  const from = window.from ?? oldest;
  const to = Math.max(window.to ?? time.at, from + 1000);
  const step = Math.max(1000, roundStep((to - from) / columns));
  const start = Math.floor(from / step) * step;
  const end = Math.max(start + step, Math.ceil(to / step) * step);
  return {
    from: start,
    to: end,
    step,
    start: millisToNanos(start),
    end: millisToNanos(end),
    stepName: `${step}ms`,
  };
}
