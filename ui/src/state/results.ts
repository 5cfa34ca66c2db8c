// What a search has found so far, as a pure function of what happened. A page is appended, what is new is put on
// top; a trace is listed once, and one that grew is updated where it stands, so nothing jumps.

import type { SearchRequest } from "../api/client";
import type { SearchResult, Stats, TraceSummary } from "../api/types";
import { millisToNanos } from "../base/format";

export interface Results {
  readonly traces: readonly TraceSummary[];
  readonly nextCursor: string | undefined;
  readonly stats: Stats | undefined;
  /** What the latest first page read from files. */
  readonly readBytes: number;
  /** IDs that the last refresh brought. */
  readonly fresh: ReadonlySet<string>;
}

export const NO_RESULTS: Results = {
  traces: [],
  nextCursor: undefined,
  stats: undefined,
  readBytes: 0,
  fresh: new Set(),
};

/** The most traces a request may ask for. */
const MOST = 1000;
/** A list longer than this starts over at the next refresh: it lives in the reader's browser. */
const LONGEST = 5000;
/** Nanoseconds that a trace may start before the newest known one and still come after it. */
const LATE = 30_000_000_000n;

/** The first page. */
export const firstPage = (page: SearchResult): Results => ({
  traces: page.traces,
  nextCursor: page.nextCursor,
  stats: page.stats,
  readBytes: page.explain?.readBytes ?? 0,
  fresh: new Set(),
});

/** One more page at the end. */
export function nextPage(results: Results, page: SearchResult): Results {
  const known = new Set(results.traces.map((t) => t.traceId));
  return {
    traces: [...results.traces, ...page.traces.filter((t) => !known.has(t.traceId))],
    nextCursor: page.nextCursor,
    stats: page.stats,
    readBytes: page.explain?.readBytes ?? 0,
    fresh: results.fresh,
  };
}

/**
 * The request for what is new since `at`, in Unix milliseconds, when the results were brought up to date;
 * undefined where a plain first page has to be asked for, because nothing is listed yet or too much.
 */
export function newsRequest(results: Results, request: SearchRequest, at: number): SearchRequest | undefined {
  const newest = results.traces[0];
  if (!newest || results.traces.length > LONGEST) return undefined;
  // A client whose clock is ahead must not hide everything that the others send until then.
  const known = least(BigInt(newest.startTimeUnixNano), BigInt(millisToNanos(at)));
  const start = known > LATE ? known - LATE : 0n;
  const earliest = BigInt(request.start ?? "0");
  return { ...request, start: String(start > earliest ? start : earliest), limit: MOST };
}

/** Whether between the news and what is listed there may be traces that are in neither. */
export function leavesGap(results: Results, news: SearchResult): boolean {
  if (news.nextCursor === undefined) return false;
  const known = new Set(results.traces.map((t) => t.traceId));
  return !news.traces.some((t) => known.has(t.traceId));
}

/** The answer to `newsRequest`, which leaves no gap, merged in. */
export function withNews(results: Results, news: SearchResult): Results {
  const updates = new Map(news.traces.map((t) => [t.traceId, t]));
  const traces = results.traces.map((old) => {
    const update = updates.get(old.traceId);
    updates.delete(old.traceId);
    // Of the trace's matching spans the news count only those in their shorter time.
    if (!update) return old;
    if (update.matchedCount >= old.matchedCount) return update;
    return { ...update, matchedCount: old.matchedCount, ...(old.spanSets && { spanSets: old.spanSets }) };
  });
  // A trace below the end of the list is left to the page that it is on.
  const end = results.nextCursor === undefined ? undefined : results.traces.at(-1);
  const added = [...updates.values()].filter((t) => end === undefined || newestFirst(t, end) < 0);
  if (added.length > 0) {
    traces.push(...added);
    traces.sort(newestFirst);
  }
  return {
    traces,
    nextCursor: results.nextCursor,
    stats: news.stats,
    readBytes: news.explain?.readBytes ?? 0,
    fresh: new Set(added.map((t) => t.traceId)),
  };
}

/** A newer first page in place of the list. */
export function startOver(results: Results, page: SearchResult): Results {
  const known = new Set(results.traces.map((t) => t.traceId));
  const added = results.traces.length > 0 ? page.traces.filter((t) => !known.has(t.traceId)) : [];
  return { ...firstPage(page), fresh: new Set(added.map((t) => t.traceId)) };
}

const least = (a: bigint, b: bigint) => (a < b ? a : b);

function newestFirst(a: TraceSummary, b: TraceSummary): number {
  const x = BigInt(a.startTimeUnixNano);
  const y = BigInt(b.startTimeUnixNano);
  if (x !== y) return x < y ? 1 : -1;
  return a.traceId < b.traceId ? -1 : 1;
}
