import { nextRow } from "../../model/find";
import { navigate } from "../../state/router";
import { useShortcuts } from "../../state/shortcuts";
import type { TraceView } from "./useTraceView";

/** Where the results are that the reader came from. */
export const resultsPath = () => sessionStorage.getItem("kiseki.results") ?? "/search";

/** Collapses or expands one row. */
export function toggled(collapsed: ReadonlySet<number>, row: number, open: boolean): ReadonlySet<number> {
  const next = new Set(collapsed);
  if (open) next.delete(row);
  else next.add(row);
  return next;
}

/** The keys of the trace page. */
export function useTraceKeys(state: TraceView): void {
  const { trace, rows, cursor, collapsed, errors, matches, focus } = state;
  const hasChildren = cursor >= 0 && trace.subtree[cursor]! > 1;
  const step = (by: number) => {
    const at = cursor < 0 ? (by > 0 ? -1 : 0) : state.placeOf(cursor);
    state.goTo(rows[Math.max(0, Math.min(rows.length - 1, at + by))] ?? -1);
  };
  const left = () => {
    if (hasChildren && !collapsed.has(cursor)) state.setCollapsed(toggled(collapsed, cursor, false));
    else if (cursor >= 0 && cursor !== focus) state.goTo(trace.parent[cursor]!);
  };
  const right = () => {
    if (cursor >= 0 && !collapsed.has(cursor)) state.expand(cursor);
    if (!hasChildren) return;
    if (collapsed.has(cursor)) state.setCollapsed(toggled(collapsed, cursor, true));
    else state.goTo(cursor + 1);
  };
  const back = () => {
    if (state.panel) state.setPanel(false);
    else if (state.pathAlone) state.setPathAlone(false);
    else if (state.zoomed) state.zoom(undefined);
    else if (focus >= 0) state.setFocus(-1);
    else navigate(resultsPath());
  };
  const zoomToSpan = () => {
    if (state.zoomed || cursor < 0) return state.zoom(undefined);
    const room = Math.max(1, trace.duration[cursor]! * 0.05);
    state.zoom({
      from: trace.start[cursor]! - room,
      to: trace.start[cursor]! + trace.duration[cursor]! + room,
    });
  };
  useShortcuts({
    j: () => step(1),
    k: () => step(-1),
    // In the graph the arrows walk from service to service.
    ...(state.name !== "graph" && {
      ArrowDown: () => step(1),
      ArrowUp: () => step(-1),
      ArrowLeft: left,
      ArrowRight: right,
    }),
    PageDown: () => step(20),
    PageUp: () => step(-20),
    Home: () => step(-rows.length),
    End: () => step(rows.length),
    Enter: () => cursor >= 0 && state.setPanel(true),
    Escape: back,
    e: () => state.goTo(nextRow(errors.failed, cursor, true)),
    E: () => state.goTo(nextRow(errors.failed, cursor, false)),
    n: () => state.goTo(nextRow(matches, cursor, true)),
    N: () => state.goTo(nextRow(matches, cursor, false)),
    f: () => state.setFocus(focus === cursor ? -1 : cursor),
    c: () => state.setPathAlone(!state.pathAlone),
    z: zoomToSpan,
    "/": () => document.getElementById("find-in-trace")?.focus(),
  });
}
