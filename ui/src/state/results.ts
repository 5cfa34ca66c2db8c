// What a search has found so far, as a pure function of what happened. A page is appended, a refresh is put on
// top; a trace is listed once, and one that grew is updated where it stands, so nothing jumps.

import type { SearchResult, Stats, TraceSummary } from "../api/types";

export interface Results {
  readonly traces: readonly TraceSummary[];
  readonly nextCursor: string | undefined;
  readonly stats: Stats | undefined;
  /** IDs that the last refresh brought. */
  readonly fresh: ReadonlySet<string>;
}

export const NO_RESULTS: Results = { traces: [], nextCursor: undefined, stats: undefined, fresh: new Set() };

/** The first page. */
export const firstPage = (page: SearchResult): Results => ({
  traces: page.traces,
  nextCursor: page.nextCursor,
  stats: page.stats,
  fresh: new Set(),
});

/** One more page at the end. */
export function nextPage(results: Results, page: SearchResult): Results {
  const known = new Set(results.traces.map((t) => t.traceId));
  return {
    traces: [...results.traces, ...page.traces.filter((t) => !known.has(t.traceId))],
    nextCursor: page.nextCursor,
    stats: page.stats,
    fresh: results.fresh,
  };
}

/**
 * A newer first page. Where it reaches down to what is listed, what it adds is merged in; where it does not,
 * traces between the two are unknown and it replaces the list, from where paging goes on.
 */
export function refresh(results: Results, page: SearchResult): Results {
  const known = new Set(results.traces.map((t) => t.traceId));
  const added = page.traces.filter((t) => !known.has(t.traceId));
  const fresh = new Set(added.map((t) => t.traceId));
  if (page.nextCursor !== undefined && added.length === page.traces.length) {
    return { ...firstPage(page), fresh: results.traces.length > 0 ? fresh : new Set() };
  }
  const updated = new Map(page.traces.map((t) => [t.traceId, t]));
  const traces = results.traces.map((t) => updated.get(t.traceId) ?? t);
  if (added.length > 0) {
    traces.push(...added);
    traces.sort(newestFirst);
  }
  return { traces, nextCursor: results.nextCursor, stats: page.stats, fresh };
}

function newestFirst(a: TraceSummary, b: TraceSummary): number {
  const x = BigInt(a.startTimeUnixNano);
  const y = BigInt(b.startTimeUnixNano);
  if (x !== y) return x < y ? 1 : -1;
  return a.traceId < b.traceId ? -1 : 1;
}
