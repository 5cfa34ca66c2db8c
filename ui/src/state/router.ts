// The URL is the state that can be shared. One string, path and query, is the snapshot; pages parse it.

import { type MouseEvent, useCallback, useSyncExternalStore } from "react";
import { traceIdOf } from "../model/traceId";

const listeners = new Set<() => void>();

function notify(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) window.addEventListener("popstate", notify);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) window.removeEventListener("popstate", notify);
  };
}

const snapshot = () => window.location.pathname + window.location.search;

/** Goes to a path of this site; with `replace` Back skips the present one. */
export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (to === snapshot()) return;
  window.history[options.replace ? "replaceState" : "pushState"](null, "", to);
  notify();
}

/** The present path and query. */
export function useLocation(): { path: string; params: URLSearchParams } {
  const location = useSyncExternalStore(subscribe, snapshot);
  const [path, query] = location.split("?");
  return { path: path!, params: new URLSearchParams(query) };
}

/** Sets query parameters of the present page without a new entry in the history; "" removes one. */
export function setParams(values: Record<string, string>): void {
  const params = new URLSearchParams(window.location.search);
  for (const [key, value] of Object.entries(values)) {
    if (value === "") params.delete(key);
    else params.set(key, value);
  }
  const query = params.toString();
  navigate(window.location.pathname + (query ? `?${query}` : ""), { replace: true });
}

/** A click handler for links: plain clicks stay in the page, all others are the browser's. */
export function useLinkClick(to: string): (event: MouseEvent) => void {
  return useCallback(
    (event) => {
      if (event.defaultPrevented || event.button !== 0) return;
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      navigate(to);
      window.scrollTo(0, 0);
    },
    [to],
  );
}

/** The path of a trace, with a span selected where one is given. */
export const tracePath = (traceId: string, spanId = "") =>
  `/trace/${traceId}${spanId ? `?span=${spanId}` : ""}`;

/** The trace whose page a path names, or "". */
export const traceOf = (path: string): string =>
  path.startsWith("/trace/") ? traceIdOf(path.slice("/trace/".length)) : "";

/** The path of a service's page. */
export const servicePath = (service: string) => `/service/${encodeURIComponent(service)}`;

/** The path of a search. */
export function searchPath(query: string, range = ""): string {
  const params = new URLSearchParams();
  if (query && query !== "{}") params.set("q", query);
  if (range) params.set("range", range);
  const search = params.toString();
  return `/search${search ? `?${search}` : ""}`;
}
