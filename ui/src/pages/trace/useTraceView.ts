// Everything the trace page shows that is not the trace itself. What can be shared lives in the URL: the span
// (written when the cursor rests), zoom, focus, find, view and the choice about clocks. What is expanded is
// the reader's own and lives here.

import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { useCriticalPath, useMatches } from "../../api/queries";
import { serviceColor } from "../../base/color";
import type { Palette, View } from "../../canvas/spans";
import { layCriticalPath, layOutlinedPath } from "../../model/critical";
import { findRows, rowsOf } from "../../model/find";
import { type Loaded, modelShown } from "../../model/load";
import { indexOfRow, reveal, visibleRows } from "../../model/rows";
import { compareBy, SORTS, type Sort, sortedRows } from "../../model/table";
import { idOf, rowOf, type Trace } from "../../model/trace";
import { setParams, useLocation } from "../../state/router";
import { useTheme } from "../../state/theme";
import { useMoreSpans } from "./useMoreSpans";

export const VIEWS = [
  "waterfall",
  "flame",
  "table",
  "graph",
  "errors",
  "events",
  "statistics",
  "compare",
] as const;
export type ViewName = (typeof VIEWS)[number];

/** What `with` in the URL says in place of a trace's ID: compare with the average of traces like this one. */
export const TYPICAL = "typical";

/** Milliseconds the cursor and the find text rest before they go to the URL. */
const REST = 250;

/** The critical path; an outline has it, for any other trace it is asked. `pending` until that is known. */
export function usePath(trace: Trace | undefined, traceId: string) {
  const query = useCriticalPath(traceId, trace !== undefined && !trace.outline);
  const stretches = query.data;
  const path = useMemo(() => {
    if (trace?.outline) return layOutlinedPath(trace, trace.outline);
    return trace && stretches && layCriticalPath(trace, stretches);
  }, [trace, stretches]);
  return { path, pending: !trace?.outline && query.isPending };
}

/** The trace as sent or with clocks adjusted, and what follows from either. */
function useModel(loaded: Loaded, raw: boolean) {
  const model = useMemo(() => modelShown(loaded, raw), [loaded, raw]);
  const { trace } = model;
  const { path } = usePath(trace, trace.traceId);
  const { shown } = useTheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the light share differs between the themes
  const palette = useMemo<Palette>(
    () => ({
      solid: trace.services.map((s) => serviceColor(s)),
      light: trace.services.map((s) => serviceColor(s, 0.3)),
    }),
    [trace, shown],
  );
  return { ...model, skew: loaded.skew, path, palette };
}

/** Where a row is since more of the trace was loaded; rows of what was loaded are looked up by ID. */
function rowSince({ sent, moved }: Loaded, before: Trace, row: number): number {
  if (!moved || row <= moved.row) return row;
  return row >= moved.end ? row + moved.by : rowOf(sent, idOf(before, row));
}

/** Collapsed rows since more of the trace was loaded: what was loaded is open. */
function collapsedSince({ moved }: Loaded, collapsed: ReadonlySet<number>): ReadonlySet<number> {
  if (!moved) return collapsed;
  const next = new Set<number>();
  for (const r of collapsed) {
    if (r < moved.row) next.add(r);
    else if (r >= moved.end) next.add(r + moved.by);
  }
  return next;
}

function useCursor(trace: Trace, spanId: string) {
  const [cursor, setCursor] = useState(() => rowOf(trace, spanId));
  const written = useRef(spanId);
  useEffect(() => {
    // The URL changed by other means, such as a link to another span of this trace.
    if (spanId === written.current) return;
    written.current = spanId;
    setCursor(rowOf(trace, spanId));
  }, [trace, spanId]);
  useEffect(() => {
    const timer = setTimeout(() => {
      const id = cursor < 0 ? "" : idOf(trace, cursor);
      if (id === written.current) return;
      written.current = id;
      setParams({ span: id });
    }, REST);
    return () => clearTimeout(timer);
  }, [trace, cursor]);
  return [cursor, setCursor] as const;
}

function useFind(trace: Trace, initial: string) {
  const [find, setFind] = useState(initial);
  const [rested, setRested] = useState(initial);
  const deferred = useDeferredValue(find);
  useEffect(() => {
    const timer = setTimeout(() => {
      setRested(find);
      setParams({ find });
    }, REST);
    return () => clearTimeout(timer);
  }, [find]);
  // What the spans of an outline carry is known to the server alone.
  const asked = useMatches(trace.traceId, rested.trim(), trace.outline !== undefined);
  const told = asked.data;
  const matches = useMemo(
    () => (trace.outline ? rowsOf(trace, told?.spanIds ?? []) : findRows(trace, deferred)),
    [trace, deferred, told],
  );
  return {
    find,
    setFind,
    matches,
    /** Spans that match and are not here. */
    matchesElsewhere: told ? told.matchedCount - matches.length : 0,
    /** Whether the server is still looking. */
    finding: trace.outline !== undefined && find !== "" && (asked.isFetching || find !== rested),
  };
}

/** The time that is shown, undefined for all of it. It goes to the URL when it rests: a wheel turns fast. */
function useZoom(params: URLSearchParams) {
  const written = `${params.get("from") ?? ""} ${params.get("to") ?? ""}`;
  const read = (text: string): View | undefined => {
    const [from, to] = text.split(" ").map(Number) as [number, number];
    return to > from ? { from, to } : undefined;
  };
  const [zoomed, setZoomed] = useState(() => read(written));
  const known = useRef(written);
  useEffect(() => {
    // The URL changed by other means, such as Back.
    if (written === known.current) return;
    known.current = written;
    const [from, to] = written.split(" ").map(Number) as [number, number];
    setZoomed(to > from ? { from, to } : undefined);
  }, [written]);
  useEffect(() => {
    const timer = setTimeout(() => {
      const from = zoomed ? String(Math.floor(zoomed.from)) : "";
      const to = zoomed ? String(Math.ceil(zoomed.to)) : "";
      if (`${from} ${to}` === known.current) return;
      known.current = `${from} ${to}`;
      setParams({ from, to });
    }, REST);
    return () => clearTimeout(timer);
  }, [zoomed]);
  return [zoomed, setZoomed] as const;
}

/** By what the tree table's siblings are sorted; "-duration" in the URL is the longest first. */
function useSort(view: ViewName, param: string) {
  const by = SORTS.find((s) => s === param.replace("-", ""));
  const sort = view === "table" && by ? { by, down: param.startsWith("-") } : undefined;
  /** Texts sort up first and figures down; the second time the other way, the third time by start again. */
  const setSort = (next: Sort) => {
    const downFirst = next === "duration" || next === "self" || next === "errors";
    const again = sort?.by === next;
    const down = again ? !sort.down : downFirst;
    const over = again && sort.down !== downFirst;
    setParams({ sort: over ? "" : `${down ? "-" : ""}${next}` });
  };
  return { sort, setSort };
}

/** The state of the page for one trace. */
export function useTraceView(loaded: Loaded) {
  const { params } = useLocation();
  const raw = params.get("skew") === "raw";
  const model = useModel(loaded, raw);
  const { trace } = model;
  const [cursor, setCursor] = useCursor(trace, params.get("span") ?? "");
  const [panel, setPanel] = useState(cursor >= 0);
  const [collapsed, setCollapsed] = useState<ReadonlySet<number>>(() => new Set());
  const [before, setBefore] = useState(loaded);
  if (before !== loaded) {
    // More of the trace is here: what is chosen and collapsed stays so.
    setBefore(loaded);
    setCursor(cursor < 0 ? cursor : rowSince(loaded, before.sent, cursor));
    setCollapsed(collapsedSince(loaded, collapsed));
  }
  const found = useFind(trace, params.get("find") ?? "");
  const focusId = params.get("focus") ?? "";
  const focus = useMemo(() => rowOf(trace, focusId), [trace, focusId]);
  const [zoomed, zoom] = useZoom(params);
  const more = useMoreSpans(trace, zoomed);
  const all = useMemo(() => extentOf(trace, focus), [trace, focus]);
  const view = zoomed ?? all;
  const other = params.get("with") ?? "";
  const first: ViewName = other ? "compare" : "waterfall";
  const name = VIEWS.find((v) => v === params.get("view")) ?? first;
  const { sort, setSort } = useSort(name, params.get("sort") ?? "");
  const { by, down } = sort ?? {};
  const { work, counts } = model;
  const rows = useMemo(() => {
    if (!by) return visibleRows(trace, collapsed, focus);
    const compare = compareBy(trace, work, counts, by);
    return sortedRows(trace, collapsed, focus, down ? (a, b) => compare(b, a) : compare);
  }, [trace, work, counts, collapsed, focus, by, down]);

  /** Moves the cursor to a row and opens what hides it. */
  const goTo = useCallback(
    (row: number) => {
      if (row < 0) return;
      setCollapsed((old) => reveal(trace, old, row));
      if (focus >= 0 && (row < focus || row >= focus + trace.subtree[focus]!)) setParams({ focus: "" });
      setCursor(row);
    },
    [trace, focus, setCursor],
  );
  const select = useCallback(
    (row: number) => {
      goTo(row);
      setPanel(row >= 0);
    },
    [goTo],
  );
  const setFocus = useCallback(
    (row: number) => {
      zoom(undefined);
      setParams({ focus: row < 0 ? "" : idOf(trace, row) });
    },
    [trace, zoom],
  );
  return {
    ...model,
    raw,
    cursor,
    panel: panel && cursor >= 0,
    collapsed,
    ...found,
    ...more,
    focus,
    rows,
    sort,
    setSort,
    /** The position of a row among those shown, or of the nearest above where it is hidden. */
    placeOf: (row: number) => (by ? rows.indexOf(row) : indexOfRow(rows, row)),
    view,
    /** The time that is shown unless it is zoomed. */
    all,
    name,
    zoomed: zoomed !== undefined,
    /** Whether what is not on the critical path is dimmed. */
    pathAlone: params.get("path") === "alone",
    goTo,
    select,
    setPanel,
    setCollapsed,
    zoom,
    setFocus,
    setPathAlone: (value: boolean) => setParams({ path: value ? "alone" : "" }),
    setRaw: (value: boolean) => setParams({ skew: value ? "raw" : "" }),
    /** What this trace is compared with: a trace's ID or TYPICAL, or "". */
    other,
    compareWith: (value: string) => setParams({ with: value, view: "", sort: "" }),
    setName: (value: ViewName) => {
      if (value === "compare" && !other) setParams({ with: TYPICAL, view: "", sort: "" });
      else setParams({ view: value === first ? "" : value, sort: "" });
    },
  };
}

export type TraceView = ReturnType<typeof useTraceView>;

/** All the time of the trace, or of the subtree in focus. */
function extentOf(trace: Trace, focus: number): View {
  if (focus < 0) return { from: trace.from, to: Math.max(trace.to, trace.from + 1) };
  let end = 1;
  let begin = Number.POSITIVE_INFINITY;
  for (let r = focus; r < focus + trace.subtree[focus]!; r++) {
    begin = Math.min(begin, trace.start[r]!);
    end = Math.max(end, trace.start[r]! + trace.duration[r]!);
  }
  return { from: begin, to: Math.max(end, begin + 1) };
}
