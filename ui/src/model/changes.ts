// What is different from before, in the order in which somebody should look at it.

import { errorShare, type Red } from "./red";

/** A service's figures in two stretches of time, in seconds; undefined where it had no entry span. */
export interface Pair {
  readonly service: string;
  readonly now: Red | undefined;
  readonly before: Red | undefined;
}

export type What = "new" | "gone" | "errors" | "latency" | "rate";

/** One difference. Values are shares, nanoseconds or spans a second, as `what` says. */
export interface Change {
  readonly what: What;
  readonly service: string;
  /** How many services it is of, where it is more than one; the values are then their sums. */
  readonly services?: number;
  readonly before: number;
  readonly now: number;
  readonly worse: boolean;
  /** How much it stands out; 1 is what nobody overlooks. */
  readonly weight: number;
}

/** Spans below which neither shares nor quantiles say much. */
const ENOUGH = 50;
/** Standard errors beyond which a difference is not left to chance. */
const CERTAIN = 3.5;
/** Cohen's h; 0.1 is from 0.2 % to 0.9 %, or from 5 % to 7.4 %. */
const LEAST_EFFECT = 0.1;
/** How many times as long, or as many. */
const LEAST_RATIO = 1.5;
/** Nanoseconds; a service that answers in less is not made slow by a half more. */
const LEAST_SLOWER = 1e6;

const arc = (share: number) => 2 * Math.asin(Math.sqrt(Math.min(1, Math.max(0, share))));

/** How the share of errors changed; undefined where it did not in earnest. */
export function errorChange({ service, now, before }: Pair): Change | undefined {
  if (!now || !before || Math.min(now.count, before.count) < ENOUGH) return undefined;
  const shares = { before: errorShare(before), now: errorShare(now) };
  // The difference of two arcs has this standard error whatever the shares are.
  const effect = arc(shares.now) - arc(shares.before);
  const error = Math.sqrt(1 / now.count + 1 / before.count);
  if (Math.abs(effect) < Math.max(LEAST_EFFECT, CERTAIN * error)) return undefined;
  return { what: "errors", service, ...shares, worse: effect > 0, weight: Math.abs(effect) * 2.5 };
}

/** How the 95th percentile of durations changed; undefined where it did not in earnest. */
export function latencyChange({ service, now, before }: Pair): Change | undefined {
  if (!now?.p95 || !before?.p95 || Math.min(now.count, before.count) < 2 * ENOUGH) return undefined;
  if (Math.abs(now.p95 - before.p95) < LEAST_SLOWER) return undefined;
  const ratio = now.p95 / before.p95;
  if (Math.max(ratio, 1 / ratio) < LEAST_RATIO) return undefined;
  return {
    what: "latency",
    service,
    before: before.p95,
    now: now.p95,
    worse: ratio > 1,
    weight: Math.abs(Math.log2(ratio)) * 0.4,
  };
}

/** How the rate changed; undefined where it did not in earnest. More is not worse, much less may be. */
function rateChange({ service, now, before }: Pair, nowSeconds: number, beforeSeconds: number) {
  if (!now || !before || Math.max(now.count, before.count) < ENOUGH) return undefined;
  const rates = { before: before.count / beforeSeconds, now: now.count / nowSeconds };
  const ratio = rates.now / rates.before;
  if (Math.max(ratio, 1 / ratio) < LEAST_RATIO) return undefined;
  const error = Math.sqrt(1 / now.count + 1 / before.count);
  if (Math.abs(Math.log(ratio)) < CERTAIN * error) return undefined;
  const weight = Math.abs(Math.log2(ratio)) * (ratio < 1 ? 0.35 : 0.25);
  return { what: "rate" as const, service, ...rates, worse: ratio < 1 / 3, weight };
}

function presence({ service, now, before }: Pair, nowSeconds: number, beforeSeconds: number) {
  const rates = { before: (before?.count ?? 0) / beforeSeconds, now: (now?.count ?? 0) / nowSeconds };
  if (!now?.count && before?.count)
    return { what: "gone" as const, service, ...rates, worse: true, weight: before.count < ENOUGH ? 0.5 : 2 };
  if (!before?.count && now?.count)
    return { what: "new" as const, service, ...rates, worse: false, weight: 0.6 };
  return undefined;
}

/** A rate is said to change everywhere if it does, in the same way, for as many services and half of all. */
const EVERYWHERE = 4;

/** Makes one difference of the rates of many services that went the same way: that is one event, not many. */
function withoutChorus(changes: readonly Change[], services: number): Change[] {
  return [true, false].reduce<Change[]>(
    (rest, more) => {
      const chorus = rest.filter((c) => c.what === "rate" && c.now > c.before === more);
      if (chorus.length < Math.max(EVERYWHERE, services / 2)) return rest;
      const sum = (of: "before" | "now") => chorus.reduce((all, c) => all + c[of], 0);
      const one: Change = {
        what: "rate",
        service: "",
        services: chorus.length,
        before: sum("before"),
        now: sum("now"),
        worse: chorus.some((c) => c.worse),
        weight: Math.max(...chorus.map((c) => c.weight)),
      };
      return [...rest.filter((c) => !chorus.includes(c)), one];
    },
    [...changes],
  );
}

/** What changed in earnest, worst first. The lengths of the two stretches are in seconds. */
export function changesOf(pairs: readonly Pair[], nowSeconds: number, beforeSeconds: number): Change[] {
  const changes = pairs.flatMap((pair): Change[] => {
    const there = presence(pair, nowSeconds, beforeSeconds);
    if (there) return [there];
    return [errorChange(pair), latencyChange(pair), rateChange(pair, nowSeconds, beforeSeconds)].filter(
      (c) => c !== undefined,
    );
  });
  // Of what got better the reader wants to know after all that got worse.
  return withoutChorus(changes, pairs.length).sort(
    (a, b) => Number(b.worse) - Number(a.worse) || b.weight - a.weight || a.service.localeCompare(b.service),
  );
}
