// Round positions for axes.

import { zoneOffset } from "./locale";

/** Round steps of 1, 2 or 5 times a power of ten within [from, to], at most about `most` of them. */
export function linearTicks(from: number, to: number, most: number): number[] {
  const span = to - from;
  if (!(span > 0) || most < 1) return [];
  const rough = span / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((s) => s * power >= rough) ?? 10);
  const ticks: number[] = [];
  for (let i = Math.ceil(from / step); i * step <= to; i++) ticks.push(i * step);
  return ticks;
}

/** The powers of ten within [from, to]; with 3s between them where there are fewer than three. */
export function logTicks(from: number, to: number): number[] {
  const ticks: number[] = [];
  const first = Math.floor(Math.log10(from));
  const last = Math.ceil(Math.log10(to));
  const dense = last - first < 3;
  for (let e = first; e <= last; e++) {
    for (const m of dense ? [1, 3] : [1]) {
      const tick = m * 10 ** e;
      if (tick >= from && tick <= to) ticks.push(tick);
    }
  }
  return ticks;
}

const DAY = 86_400_000;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400].map(
  (seconds) => seconds * 1000,
);

/** The shortest round time of at least `rough` milliseconds, and of one. */
export function roundStep(rough: number): number {
  if (rough < 1000) {
    const power = 10 ** Math.floor(Math.log10(Math.max(1, rough)));
    return [1, 2, 5, 10].find((s) => s * power >= rough)! * power;
  }
  return STEPS.find((s) => s >= rough) ?? Math.ceil(rough / DAY) * DAY;
}

/** Round times of the reader's zone within [from, to] in Unix milliseconds, at most about `most` of them. */
export function timeTicks(from: number, to: number, most: number): number[] {
  const rough = (to - from) / Math.max(1, most);
  if (!(rough > 0)) return [];
  const step = roundStep(Math.max(STEPS[0]!, rough));
  const zone = -zoneOffset(from);
  const ticks: number[] = [];
  for (let i = Math.ceil((from - zone) / step); i * step + zone <= to; i++) ticks.push(i * step + zone);
  return ticks;
}
