import { describe, expect, it } from "vitest";
import type { SearchRequest } from "../api/client";
import type { SearchResult, Stats, TraceSummary } from "../api/types";
import { collect } from "./download";

const stats = { complete: true } as Stats;
const trace = (id: number, spans = 0): TraceSummary => ({
  traceId: `t${id}`,
  rootService: "",
  rootName: "",
  startTimeUnixNano: "0",
  durationNanos: "0",
  spanCount: spans,
  errorCount: 0,
  matchedCount: spans,
  services: [],
  spanSets: [
    { matchedCount: spans, spans: Array.from({ length: spans }, (_, i) => ({ spanId: `s${i}` }) as never) },
  ],
});

/** A server with pages of traces, and what it was asked for. */
function server(pages: TraceSummary[][], more: Partial<SearchResult> = {}) {
  const asked: string[] = [];
  const search = async (request: SearchRequest): Promise<SearchResult> => {
    asked.push(
      `${request.limit}${request.spans ? ` with ${request.spans}` : ""} from ${request.cursor ?? 0}`,
    );
    const at = Number(request.cursor ?? 0);
    const next = at + 1 < pages.length ? { nextCursor: String(at + 1) } : {};
    return { traces: pages[at]!, stats, ...next, ...more };
  };
  return { asked, search };
}

const all = async (pages: TraceSummary[][], asSpans: boolean, most: number, more?: Partial<SearchResult>) => {
  const { asked, search } = server(pages, more);
  const told: number[] = [];
  const signal = new AbortController().signal;
  const got = await collect(search, { q: "", limit: 1 }, asSpans, signal, (n) => told.push(n), most);
  return { ids: got.traces.map((t) => t.traceId).join(" "), ...got, traces: undefined, asked, told };
};

describe("all pages", () => {
  it("are read to the end", async () => {
    const got = await all([[trace(1), trace(2)], [trace(3)]], false, 10);
    expect(got).toMatchObject({ ids: "t1 t2 t3", rows: 3, cut: false, partial: undefined, told: [2, 3] });
    expect(got.asked).toEqual(["1000 from 0", "1000 from 1"]);
  });

  it("are read up to the bound, and the rest is told of", async () => {
    expect(await all([[trace(1), trace(2)], [trace(3)]], false, 2)).toMatchObject({
      ids: "t1 t2",
      cut: true,
    });
    expect(await all([[trace(1), trace(2)]], false, 1)).toMatchObject({ ids: "t1", cut: true });
    expect(await all([[trace(1), trace(2)]], false, 2)).toMatchObject({ ids: "t1 t2", cut: false });
  });

  it("count spans where these are the rows", async () => {
    const got = await all([[trace(1, 3), trace(2, 3)], [trace(3, 3)]], true, 7);
    expect(got).toMatchObject({
      ids: "t1 t2",
      rows: 6,
      cut: true,
      asked: ["100 with 1000 from 0", "100 with 1000 from 1"],
    });
  });

  it("say where an answer was incomplete", async () => {
    const partial = { stats: { ...stats, complete: false, incompleteReason: "out of time" } };
    expect(await all([[trace(1)]], false, 5, partial)).toMatchObject({ partial: "out of time", cut: false });
  });
});
