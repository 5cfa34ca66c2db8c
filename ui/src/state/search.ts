// Runs searches. The last one is kept while the page is left, so that Back finds the list, and the place in
// it, as it was.

import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError, api, type SearchRequest } from "../api/client";
import { queryClient } from "../api/queries";
import type { SearchResult, TraceSummary } from "../api/types";
import { millisToNanos } from "../base/format";
import { windowOf } from "./range";
import {
  firstPage,
  leavesGap,
  NO_RESULTS,
  newsRequest,
  nextPage,
  type Results,
  startOver,
  withNews,
} from "./results";
import { type Extent, extentOf, readSample, type Sample, stretched, union } from "./sample";

const PAGE = 100;

export interface Search {
  readonly results: Results;
  /** The window that was searched; undefined ends are open. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** When it was started or last refreshed, in Unix milliseconds. */
  readonly at: number;
  /** What of the window the plot shows; undefined until the first answer. */
  readonly extent: Extent | undefined;
  /** Traces of the whole extent where the list is only its newest. */
  readonly sample: Sample | undefined;
  readonly running: boolean;
  readonly loadingMore: boolean;
  readonly cancelled: boolean;
  readonly error: ApiError | undefined;
}

interface Kept {
  key: string;
  request: SearchRequest;
  search: Search;
  scroll: number;
}

let kept: Kept | undefined;

function begin(key: string, q: string, range: string, spans?: number): Kept {
  const at = Date.now();
  const { from, to } = windowOf(range, at);
  return {
    key,
    request: {
      q,
      start: from === undefined ? undefined : millisToNanos(from),
      end: to === undefined ? undefined : millisToNanos(to),
      limit: PAGE,
      spans,
      explain: "true",
    },
    search: {
      // What was found before stays on the screen until the answer is there.
      results: kept?.search.results ?? NO_RESULTS,
      from,
      to,
      at,
      extent: kept?.search.extent,
      sample: kept?.search.sample,
      running: true,
      loadingMore: false,
      cancelled: false,
      error: undefined,
    },
    scroll: 0,
  };
}

const asApiError = (error: unknown) =>
  error instanceof ApiError ? error : new ApiError({ title: String(error), status: 0 });

/** Asks for what is new; without an answer that leaves no gap, for a first page to start over with. */
async function fetchNews({ request, search }: Kept): Promise<{ page: SearchResult; over: boolean }> {
  const ask = newsRequest(search.results, request, search.at);
  const news = ask && (await api.search(ask));
  if (news && !leavesGap(search.results, news)) return { page: news, over: false };
  return { page: await api.search(request), over: true };
}

/**
 * The search of a query in a range, run whenever either changes; with `spans` the results tell up to so many spans of
 * each trace. Nothing is asked unless it is `enabled`.
 */
export function useSearch(q: string, range: string, options: { spans?: number; enabled: boolean }) {
  const { spans, enabled } = options;
  const key = `${range} ${spans ?? ""} ${q}`;
  const [, redraw] = useState(0);
  const flight = useRef<AbortController>(undefined);
  const sampling = useRef<AbortController>(undefined);
  const update = useCallback((of: Kept, change: Partial<Search>) => {
    if (kept !== of) return;
    kept.search = { ...kept.search, ...change };
    redraw((n) => n + 1);
  }, []);

  const takeSample = useCallback(
    (mine: Kept, before: readonly TraceSummary[]) => {
      sampling.current?.abort();
      const { extent, results } = mine.search;
      if (!extent || results.nextCursor === undefined) return;
      const controller = new AbortController();
      sampling.current = controller;
      // Marks need no spans.
      void readSample(
        extent,
        { ...mine.request, spans: undefined, explain: undefined },
        before,
        api.search,
        controller.signal,
        (sample) => update(mine, { sample }),
      );
    },
    [update],
  );

  const run = useCallback(() => {
    flight.current?.abort();
    sampling.current?.abort();
    const controller = new AbortController();
    flight.current = controller;
    const before = kept?.key === key ? kept.search.sample?.traces : undefined;
    const mine = begin(key, q, range, spans);
    kept = mine;
    redraw((n) => n + 1);
    const { signal } = controller;
    // Where there is no status, the plot makes do with the list.
    const status = api.status(signal).catch(() => undefined);
    Promise.all([api.search(mine.request, signal), status]).then(
      ([page, status]) => {
        const extent = extentOf(mine.search, status, page.traces, mine.search.at);
        update(mine, { results: firstPage(page), extent, sample: undefined, running: false });
        takeSample(mine, before ?? []);
      },
      (error) =>
        signal.aborted
          ? update(mine, { running: false, cancelled: true })
          : update(mine, { running: false, error: asApiError(error), results: NO_RESULTS }),
    );
  }, [key, q, range, spans, update, takeSample]);

  const more = useCallback(() => {
    const mine = kept;
    if (!mine?.search.results.nextCursor || mine.search.running || mine.search.loadingMore) return;
    const controller = new AbortController();
    flight.current = controller;
    const cursor = mine.search.results.nextCursor;
    update(mine, { loadingMore: true });
    api.search({ ...mine.request, cursor }, controller.signal).then(
      (page) => {
        const { results } = mine.search;
        // A list that started over meanwhile does not end where this page begins.
        const fits = results.nextCursor === cursor;
        update(mine, { results: fits ? nextPage(results, page) : results, loadingMore: false });
      },
      (error) =>
        update(mine, {
          loadingMore: false,
          error: controller.signal.aborted ? undefined : asApiError(error),
        }),
    );
  }, [update]);

  const renewing = useRef(false);
  const renew = useCallback(async () => {
    const mine = kept;
    if (!mine || mine.search.running || mine.search.loadingMore || renewing.current) return;
    renewing.current = true;
    const at = Date.now();
    try {
      const { page, over } = await fetchNews(mine);
      // The list may have grown by a page meanwhile.
      const before = mine.search;
      const results = over ? startOver(before.results, page) : withNews(before.results, page);
      const extent = before.extent && stretched(before.extent, before, results.traces, at);
      update(mine, { results, extent, at, error: undefined, cancelled: false });
      if (over) takeSample(mine, union(before.sample?.traces ?? [], before.results.traces));
    } catch (error) {
      update(mine, { error: asApiError(error) });
    } finally {
      renewing.current = false;
    }
  }, [update, takeSample]);

  useEffect(() => {
    if (!enabled) return;
    if (kept?.key !== key || kept.search.running || kept.search.cancelled) return run();
    const { sample } = kept.search;
    if (!sample || sample.done < sample.slices) takeSample(kept, sample?.traces ?? []);
  }, [enabled, key, run, takeSample]);
  useEffect(
    () => () => {
      flight.current?.abort();
      sampling.current?.abort();
    },
    [],
  );

  const { search, request } = kept?.key === key ? kept : begin(key, q, range, spans);
  const cancel = () => {
    flight.current?.abort();
    // The distribution of what was searched is no use without it.
    void queryClient.cancelQueries({ queryKey: ["heatMap"] });
  };
  return { search, request, run, more, renew, cancel };
}

/** Where the list was scrolled to when it was left. */
export const keptScroll = () => kept?.scroll ?? 0;

/** Remembers where the list is scrolled to. */
export function keepScroll(top: number): void {
  if (kept) kept.scroll = top;
}
