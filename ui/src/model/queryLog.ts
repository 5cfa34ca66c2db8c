// The log of queries: what it says of each, and the search that asks the same.

import type { LoggedQuery } from "../api/types";

/** The TraceQL in the parameters of a request, which are in the order of their names; undefined where there is none. */
export function traceQLOf(text: string): string | undefined {
  const match = /(?:^| )q=(.*?)(?= (?:size|since|spss|start|step|streaming)=|$)/s.exec(text);
  return match?.[1] ? match[1] : undefined;
}

/** The times that a request asked about, in Unix milliseconds. */
export function timesOf(text: string): { from: number; to: number } | undefined {
  const nanos = (name: string) => new RegExp(`(?:^| )${name}=(\\d{16,20})(?= |$)`).exec(text)?.[1];
  const [start, end] = [nanos("start"), nanos("end")];
  if (!start || !end) return undefined;
  return { from: Number(start.slice(0, -6)), to: Number(end.slice(0, -6)) };
}

/** Those of which the text, route or client contains what was typed. */
export function matchingQueries(queries: readonly LoggedQuery[], typed: string): LoggedQuery[] {
  const needle = typed.trim().toLowerCase();
  return queries.filter((q) =>
    [q.text, q.route, q.class, q.client, q.status].some((part) => part.toLowerCase().includes(needle)),
  );
}
