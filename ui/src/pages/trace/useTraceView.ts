// Everything the trace page shows that is not the trace itself. What can be shared lives in the URL: the span
// (written when the cursor rests), zoom, focus, find, view and the choice about clocks. What is expanded is
// the reader's own and lives here.

import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { useCriticalPath } from "../../api/queries";
import type { TraceColumns } from "../../api/types";
import { serviceColor } from "../../base/color";
import type { Palette, View } from "../../canvas/spans";
import { layCriticalPath } from "../../model/critical";
import { findErrors } from "../../model/errors";
import { findRows } from "../../model/find";
import { indexOfRow, reveal, visibleRows } from "../../model/rows";
import { adjustSkew } from "../../model/skew";
import { compareBy, errorCounts, SORTS, type Sort, sortedRows } from "../../model/table";
import { buildTrace, idOf, rowOf, type Trace } from "../../model/trace";
import { computeWork } from "../../model/work";
import { setParams, useLocation } from "../../state/router";
import { useTheme } from "../../state/theme";

export const VIEWS = ["waterfall", "flame", "table", "graph", "errors", "statistics", "compare"] as const;
export type ViewName = (typeof VIEWS)[number];

/** What `with` in the URL says in place of a trace's ID: compare with the average of traces like this one. */
export const TYPICAL = "typical";

/** Milliseconds the cursor and the find text rest before they go to the URL. */
const REST = 250;

/** The model of the columns: as sent or with clocks adjusted, and what follows from either. */
function useModel(columns: TraceColumns, raw: boolean) {
  const sent = useMemo(() => buildTrace(columns), [columns]);
  const skew = useMemo(() => adjustSkew(sent), [sent]);
  const trace = raw ? sent : skew.trace;
  const work = useMemo(() => computeWork(trace), [trace]);
  const errors = useMemo(() => findErrors(trace), [trace]);
  const stretches = useCriticalPath(trace.traceId).data;
  const path = useMemo(() => stretches && layCriticalPath(trace, stretches), [trace, stretches]);
  const { shown } = useTheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the light share differs between the themes
  const palette = useMemo<Palette>(
    () => ({
      solid: trace.services.map((s) => serviceColor(s)),
      light: trace.services.map((s) => serviceColor(s, 0.3)),
    }),
    [trace, shown],
  );
  return { trace, skew, work, errors, path, palette };
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
  const deferred = useDeferredValue(find);
  const matches = useMemo(() => findRows(trace, deferred), [trace, deferred]);
  useEffect(() => {
    const timer = setTimeout(() => setParams({ find }), REST);
    return () => clearTimeout(timer);
  }, [find]);
  return { find, setFind, matches };
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
export function useTraceView(columns: TraceColumns) {
  const { params } = useLocation();
  const raw = params.get("skew") === "raw";
  const model = useModel(columns, raw);
  const { trace } = model;
  const [cursor, setCursor] = useCursor(trace, params.get("span") ?? "");
  const [panel, setPanel] = useState(cursor >= 0);
  const [collapsed, setCollapsed] = useState<ReadonlySet<number>>(() => new Set());
  const { find, setFind, matches } = useFind(trace, params.get("find") ?? "");
  const focus = rowOf(trace, params.get("focus") ?? "");
  const view = viewOf(trace, params, focus);
  const other = params.get("with") ?? "";
  const first: ViewName = other ? "compare" : "waterfall";
  const name = VIEWS.find((v) => v === params.get("view")) ?? first;
  const { sort, setSort } = useSort(name, params.get("sort") ?? "");
  const { by, down } = sort ?? {};
  const { work } = model;
  const counts = useMemo(() => errorCounts(trace, model.errors), [trace, model.errors]);
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
  const zoom = useCallback((to: View | undefined) => {
    setParams(
      to ? { from: String(Math.floor(to.from)), to: String(Math.ceil(to.to)) } : { from: "", to: "" },
    );
  }, []);
  const setFocus = useCallback(
    (row: number) => setParams({ focus: row < 0 ? "" : idOf(trace, row), from: "", to: "" }),
    [trace],
  );
  return {
    ...model,
    raw,
    cursor,
    panel: panel && cursor >= 0,
    collapsed,
    find,
    matches,
    focus,
    rows,
    counts,
    sort,
    setSort,
    /** The position of a row among those shown, or of the nearest above where it is hidden. */
    placeOf: (row: number) => (by ? rows.indexOf(row) : indexOfRow(rows, row)),
    view,
    name,
    zoomed: params.has("from"),
    /** Whether what is not on the critical path is dimmed. */
    pathAlone: params.get("path") === "alone",
    goTo,
    select,
    setPanel,
    setCollapsed,
    setFind,
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

function viewOf(trace: Trace, params: URLSearchParams, focus: number): View {
  const from = Number(params.get("from") ?? Number.NaN);
  const to = Number(params.get("to") ?? Number.NaN);
  if (to > from) return { from, to };
  if (focus < 0) return { from: trace.from, to: Math.max(trace.to, trace.from + 1) };
  let end = 1;
  let begin = Number.POSITIVE_INFINITY;
  for (let r = focus; r < focus + trace.subtree[focus]!; r++) {
    begin = Math.min(begin, trace.start[r]!);
    end = Math.max(end, trace.start[r]! + trace.duration[r]!);
  }
  return { from: begin, to: Math.max(end, begin + 1) };
}
