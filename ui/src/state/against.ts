// The earlier time that the present one is compared with, as the URL writes it.

import { useStatus } from "../api/queries";
import { formatDateTime, millisToNanos, nanosToMillis } from "../base/format";
import { setParams, useLocation } from "./router";
import { type Grid, gridOf, useTime } from "./time";

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

/** The time that a page looks at in about `columns` intervals, and the one that the URL says to compare it with. */
export function useCompareTime(columns: number) {
  const time = useTime();
  const status = useStatus();
  const oldest = status.data?.minSpanStartUnixNano
    ? nanosToMillis(status.data.minSpanStartUnixNano)
    : time.at;
  const grid = gridOf(time, columns, oldest);
  const against = useAgainst(grid);
  const windows = windowsOf(grid, time.at, against);
  return {
    /** Whether it is known when the first span was, without which an open range has no beginning. */
    ready: !status.isPending,
    oldest,
    grid,
    against,
    windows,
    /** The earlier time in words. */
    baseName: `${formatDateTime(windows.baseFrom)} – ${formatDateTime(windows.baseTo)}`,
    /** The two times as the API has them, and in seconds. */
    now: { start: millisToNanos(windows.from), end: millisToNanos(windows.to) },
    base: { start: millisToNanos(windows.baseFrom), end: millisToNanos(windows.baseTo) },
    nowSeconds: secondsOf(windows.from, windows.to, oldest),
    beforeSeconds: secondsOf(windows.baseFrom, windows.baseTo, oldest),
  };
}

export type CompareTime = ReturnType<typeof useCompareTime>;

export const setAgainst = (against: Against) => setParams({ against });

/** A path of this site with what the present page compares with. */
export function againstPath(path: string): string {
  const against = new URLSearchParams(window.location.search).get("against");
  return against ? `${path}${path.includes("?") ? "&" : "?"}against=${encodeURIComponent(against)}` : path;
}

/** Seconds of a stretch of time since the first span: what there was not before is no silence. */
export const secondsOf = (from: number, to: number, oldest: number) =>
  (to - Math.min(Math.max(from, oldest), to - 1000)) / 1000;
