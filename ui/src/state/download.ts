// All pages of a search, up to a bound, for a file.

import type { SearchRequest } from "../api/client";
import type { SearchResult, TraceSummary } from "../api/types";
import { spanRows } from "../model/spanrows";

/** The most rows of a file: more belong into an export, which is made to be large. */
export const MOST_ROWS = 10_000;
/** Traces that are asked for at once, and those whose spans are told, which are many. */
const PAGE = 1000;
const PAGE_WITH_SPANS = 100;
/** The most spans to tell of a trace. */
const SPANS = 1000;

export interface Collected {
  readonly traces: readonly TraceSummary[];
  readonly rows: number;
  /** Whether there are more rows than these. */
  readonly cut: boolean;
  /** Why an answer was incomplete; undefined if none was. */
  readonly partial: string | undefined;
}

/**
 * The traces of a search with `most` rows or, where `asSpans`, so many rows of spans. `tell` is told how many there
 * are so far.
 */
export async function collect(
  search: (request: SearchRequest, signal: AbortSignal) => Promise<SearchResult>,
  request: SearchRequest,
  asSpans: boolean,
  signal: AbortSignal,
  tell: (rows: number) => void,
  most = MOST_ROWS,
): Promise<Collected> {
  const traces: TraceSummary[] = [];
  let rows = 0;
  // Whether there is no room for more, and whether what there is lacks some spans of a trace.
  let full = false;
  let short = false;
  let partial: string | undefined;
  let cursor: string | undefined;
  do {
    const page = await search(
      {
        ...request,
        explain: undefined,
        cursor,
        limit: asSpans ? PAGE_WITH_SPANS : PAGE,
        ...(asSpans && { spans: SPANS }),
      },
      signal,
    );
    if (!page.stats.complete) partial = page.stats.incompleteReason ?? "";
    for (const trace of page.traces) {
      const of = asSpans ? spanRows([trace]) : [];
      const more = asSpans ? of.length : 1;
      if (rows + more > most) {
        full = true;
        break;
      }
      if (of.at(-1)?.more) short = true;
      traces.push(trace);
      rows += more;
    }
    cursor = page.nextCursor;
    tell(rows);
  } while (cursor !== undefined && rows < most && !full);
  return { traces, rows, cut: full || short || cursor !== undefined, partial };
}

/** Gives the reader a file. */
export function saveFile(name: string, type: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** The name of a file of this moment. */
export const fileName = (what: string, ending: string): string =>
  `kiseki-${what}-${new Date().toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}.${ending}`;
