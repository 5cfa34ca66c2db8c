// The earlier time that the present one is compared with, as the URL writes it.

import { setParams, useLocation } from "./router";
import type { Grid } from "./time";

export const AGAINST = ["hour", "day", "week"] as const;
export type Against = (typeof AGAINST)[number];

const MILLIS: Record<Against, number> = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 };

/** The shortest one that leaves no overlap with a range of this many milliseconds. */
const usual = (length: number): Against => AGAINST.find((a) => MILLIS[a] >= length * 0.9) ?? "week";

/** Two stretches of time of one length, in Unix milliseconds. */
export interface Windows {
  readonly from: number;
  readonly to: number;
  readonly baseFrom: number;
  readonly baseTo: number;
}

/** The stretch of a grid that has come by `at`, and the same so much earlier. */
export function windowsOf(grid: Grid, at: number, against: Against): Windows {
  const to = Math.max(grid.from + 1000, Math.min(grid.to, Math.ceil(at / 1000) * 1000));
  return { from: grid.from, to, baseFrom: grid.from - MILLIS[against], baseTo: to - MILLIS[against] };
}

/** What the URL says to compare with. */
export function useAgainst(grid: Grid): Against {
  const { params } = useLocation();
  const chosen = params.get("against");
  return AGAINST.find((a) => a === chosen) ?? usual(grid.to - grid.from - grid.step);
}

export const setAgainst = (against: Against) => setParams({ against });

/** A path of this site with what the present page compares with. */
export function againstPath(path: string): string {
  const against = new URLSearchParams(window.location.search).get("against");
  return against ? `${path}${path.includes("?") ? "&" : "?"}against=${encodeURIComponent(against)}` : path;
}

/** Seconds of a stretch of time since the first span: what there was not before is no silence. */
export const secondsOf = (from: number, to: number, oldest: number) =>
  (to - Math.min(Math.max(from, oldest), to - 1000)) / 1000;
