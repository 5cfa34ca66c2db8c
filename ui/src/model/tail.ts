// What a live tail shows, as a pure function of what arrived: the newest on top, up to a bound. A trace that grows is
// updated where it stands. While the reader holds it, nothing moves, and what arrives waits.

import type { TraceSummary } from "../api/types";

export interface Tail {
  readonly traces: readonly TraceSummary[];
  /** What arrived while it was held, the oldest first. */
  readonly waiting: readonly TraceSummary[];
  readonly held: boolean;
  /** IDs that the last answer brought. */
  readonly fresh: ReadonlySet<string>;
  /** When traces that were not known arrived, and how many, for the rate. */
  readonly arrivals: readonly { readonly at: number; readonly count: number }[];
  /** How many traces have arrived in all. */
  readonly seen: number;
}

export const EMPTY_TAIL: Tail = {
  traces: [],
  waiting: [],
  held: false,
  fresh: new Set(),
  arrivals: [],
  seen: 0,
};

/** The most rows; older ones are in the search. */
export const MOST_TAILED = 500;
/** Milliseconds over which a rate is told. */
const RATED = 10_000;

/** With traces in the order of their arrival at a time in Unix milliseconds. */
export function arrived(tail: Tail, traces: readonly TraceSummary[], at: number): Tail {
  const known = new Set([...tail.traces, ...tail.waiting].map((t) => t.traceId));
  const count = new Set(traces.filter((t) => !known.has(t.traceId)).map((t) => t.traceId)).size;
  const next = {
    ...tail,
    arrivals: [...tail.arrivals.filter((a) => a.at > at - RATED), ...(count > 0 ? [{ at, count }] : [])],
    seen: tail.seen + count,
  };
  if (tail.held) return { ...next, waiting: merged(tail.waiting, traces).slice(-MOST_TAILED) };
  return onTop(next, traces);
}

/** Held, or let go with what waited on top. */
export function hold(tail: Tail, held: boolean): Tail {
  if (held === tail.held) return tail;
  return held ? { ...tail, held } : { ...onTop(tail, tail.waiting), waiting: [], held };
}

/** Traces a second over the last while; `since` is when the tail began. */
export function rateOf(tail: Tail, since: number, now: number): number {
  const seconds = Math.max(1000, Math.min(RATED, now - since)) / 1000;
  return tail.arrivals.filter((a) => a.at > now - RATED).reduce((sum, a) => sum + a.count, 0) / seconds;
}

/** The later of each trace, where it was first. */
function merged(old: readonly TraceSummary[], news: readonly TraceSummary[]): TraceSummary[] {
  const all = new Map(old.map((t) => [t.traceId, t]));
  for (const trace of news) all.set(trace.traceId, trace);
  return [...all.values()];
}

function onTop(tail: Tail, news: readonly TraceSummary[]): Tail {
  const known = new Set(tail.traces.map((t) => t.traceId));
  const all = merged(tail.traces.toReversed(), news).toReversed().slice(0, MOST_TAILED);
  return { ...tail, traces: all, fresh: new Set(news.map((t) => t.traceId).filter((id) => !known.has(id))) };
}
