// The part of a search's range that the list does not reach, as a sample: the range in equal slices, and of each
// the newest traces. Slices lie on round times, so that the same search later shows the same traces again.

import { type SearchRequest, unanswered } from "../api/client";
import type { SearchResult, Status, TraceSummary } from "../api/types";
import { millisToNanos, nanosToMillis } from "../base/format";
import { roundStep } from "../base/ticks";
import type { Window } from "./range";

/** From when to when, in Unix milliseconds. */
export interface Extent {
  readonly from: number;
  readonly to: number;
}

export interface Sample {
  readonly traces: readonly TraceSummary[];
  /** Milliseconds of a slice. */
  readonly step: number;
  /** How many traces of a slice there are at most. */
  readonly most: number;
  /** Whether a slice has more traces than these. */
  readonly cut: boolean;
  /** How many slices there are, how many were asked for, and how many of these could not be read in full. */
  readonly slices: number;
  readonly done: number;
  readonly failed: number;
  /** Why the rest was not asked for: the server does not answer any more. */
  readonly stopped: boolean;
}

export interface Slice {
  readonly start: string | undefined;
  readonly end: string | undefined;
}

/** So many that on a wide screen the plot is no row of columns. */
const SLICES = 120;
const TRACES = 600;
const AT_ONCE = 4;
/** Slices from one word on how far it is to the next. */
const TOLD = 6;
/** Milliseconds that a clock may be ahead and still stretch the plot. */
const AHEAD = 60_000;

/** Where in the searched window there can be traces. `status` is missing where it could not be asked. */
export function extentOf(
  window: Window,
  status: Status | undefined,
  traces: readonly TraceSummary[],
  at: number,
): Extent {
  const starts = traces.map(startOf);
  if (status?.minSpanStartUnixNano) starts.push(nanosToMillis(status.minSpanStartUnixNano));
  if (status?.maxSpanStartUnixNano) starts.push(nanosToMillis(status.maxSpanStartUnixNano));
  if (starts.length === 0) starts.push(at);
  const from = Math.max(window.from ?? 0, Math.min(...starts));
  const to = Math.min(window.to ?? latest(traces, at), Math.max(...starts));
  return from <= to ? { from, to } : { from: window.from ?? to, to: window.to ?? from };
}

/** The extent with room for what a refresh brought; one that the window ends stays. */
export function stretched(
  extent: Extent,
  window: Window,
  traces: readonly TraceSummary[],
  at: number,
): Extent {
  if (window.to !== undefined || !traces[0]) return extent;
  const to = Math.min(startOf(traces[0]), latest(traces, at));
  return to > extent.to ? { from: extent.from, to } : extent;
}

const startOf = (trace: TraceSummary) => nanosToMillis(trace.startTimeUnixNano);

/**
 * The latest time worth showing. It goes by many traces, for this browser's clock may be behind the server's, but
 * not by the very newest: those may be from the one client whose clock is a year ahead.
 */
const latest = (traces: readonly TraceSummary[], at: number) => {
  const typical = traces[Math.min(50, traces.length >> 1)];
  return Math.max(at, typical ? startOf(typical) : 0) + AHEAD;
};

/** How the extent is sampled: slices newest first, together exactly what the request asks for. */
export function planSample(extent: Extent, request: SearchRequest) {
  const step = roundStep((extent.to - extent.from) / SLICES);
  const slices: Slice[] = [];
  let end = request.end;
  for (let at = Math.ceil(extent.to / step) * step - step; at > extent.from; at -= step) {
    const start = millisToNanos(at);
    slices.push({ start, end });
    end = start;
  }
  slices.push({ start: request.start, end });
  return { slices, step, most: Math.ceil(TRACES / slices.length) };
}

/**
 * Reads a sample, a few slices at a time, and tells now and then what there is so far. `before` is shown until
 * all is read: what the plot of the same search had. Stops without a word when the signal is aborted, and with one
 * when the server does not answer: it would not answer the other hundred questions either.
 */
export async function readSample(
  extent: Extent,
  request: SearchRequest,
  before: readonly TraceSummary[],
  search: (request: SearchRequest, signal: AbortSignal) => Promise<SearchResult>,
  signal: AbortSignal,
  tell: (sample: Sample) => void,
): Promise<void> {
  const { slices, step, most } = planSample(extent, request);
  const traces = new Map<string, TraceSummary>();
  let cut = false;
  let next = 0;
  let done = 0;
  let failed = 0;
  let stopped = false;
  const read = async () => {
    while (next < slices.length && !signal.aborted && !stopped) {
      const slice = { ...request, ...slices[next++], limit: most };
      const page = await search(slice, signal).catch((error: unknown) => {
        if (unanswered(error)) stopped = true;
        return undefined;
      });
      if (signal.aborted) return;
      for (const trace of page?.traces ?? []) traces.set(trace.traceId, trace);
      if (page?.nextCursor !== undefined) cut = true;
      if (!page?.stats.complete) failed++;
      done++;
      if (done % TOLD > 0 && done < slices.length && !stopped) continue;
      const found = [...traces.values()];
      const shown = done < slices.length ? union(before, found) : found;
      tell({ traces: shown, step, most, cut, slices: slices.length, done, failed, stopped });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, read));
}

/** The traces of both; of one that is in both, the second's. */
export function union(a: readonly TraceSummary[], b: readonly TraceSummary[]): readonly TraceSummary[] {
  if (a.length === 0) return b;
  const all = new Map(a.map((t) => [t.traceId, t]));
  for (const trace of b) all.set(trace.traceId, trace);
  return [...all.values()];
}
