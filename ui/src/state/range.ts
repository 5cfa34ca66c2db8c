// The time range of a search as the URL writes it: a relative name such as "1h", "all", or "from-to" in Unix
// milliseconds.

export const RELATIVE = ["15m", "1h", "6h", "24h", "7d", "30d", "all"] as const;
export const DEFAULT_RANGE = "1h";

const MILLIS: Record<string, number> = {
  "15m": 900_000,
  "1h": 3_600_000,
  "6h": 21_600_000,
  "24h": 86_400_000,
  "7d": 604_800_000,
  "30d": 2_592_000_000,
};

/** From when to when, in Unix milliseconds; undefined is open. */
export interface Window {
  readonly from: number | undefined;
  readonly to: number | undefined;
}

/** Reads exact times; undefined for a relative range. */
export function exactTimes(range: string): { from: number; to: number } | undefined {
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(range);
  return match ? { from: Number(match[1]), to: Number(match[2]) } : undefined;
}

/** Writes exact times; they are kept apart by at least a millisecond. */
export const exactRange = (from: number, to: number) =>
  `${Math.floor(from)}-${Math.max(Math.floor(from) + 1, Math.ceil(to))}`;

/** The window that a range means at the time `now`. A relative one is open at its end: clocks differ. */
export function windowOf(range: string, now: number): Window {
  const exact = exactTimes(range);
  if (exact) return exact;
  const millis = MILLIS[range];
  return { from: millis === undefined ? undefined : now - millis, to: undefined };
}

/** The next wider relative range; undefined for all. */
export function wider(range: string): string | undefined {
  if (exactTimes(range)) return "24h";
  const at = RELATIVE.indexOf(range as (typeof RELATIVE)[number]);
  return RELATIVE[at + 1];
}
