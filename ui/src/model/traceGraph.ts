// The services of one trace and what they call of each other.

import { type Errors, NO_ERROR, ORIGIN } from "./errors";
import { type Calls, type Graph, type Place, placeKey } from "./graph";
import { CLIENT, CONSUMER, SERVER, type Trace } from "./trace";
import type { Work } from "./work";

/** A service in the trace; times are nanoseconds. */
export interface ServiceInTrace {
  readonly spans: number;
  readonly failed: number;
  readonly self: number;
  /** The row that tells most: where a failure began, or else the one with the most self time. */
  readonly row: number;
}

/** The calls of one service by another; times are nanoseconds. */
export interface CallsInTrace {
  readonly count: number;
  readonly failed: number;
  readonly total: number;
  readonly longest: number;
  /** The called side of the call that tells most: a failed one, or else the longest. */
  readonly row: number;
}

export interface TraceGraph {
  readonly graph: Graph;
  readonly services: ReadonlyMap<string, ServiceInTrace>;
  readonly calls: ReadonlyMap<string, CallsInTrace>;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The key of a service in the graph. */
export const serviceKey = (name: string) => placeKey("service", name);

/** Sums a trace by service. A call is a span whose parent is of another service, or of its own by client and server. */
export function graphOfTrace(trace: Trace, work: Work, errors: Errors): TraceGraph {
  const count = trace.services.length;
  const services: (Mutable<ServiceInTrace> | undefined)[] = [];
  const calls = new Map<number, Mutable<CallsInTrace> & { messaging: boolean }>();
  const { parent, service, kind, duration } = trace;
  const tells = (r: number) => (errors.mark[r] === ORIGIN ? Number.POSITIVE_INFINITY : work.self[r]!);
  const takes = (r: number) => (errors.mark[r] !== NO_ERROR ? Number.POSITIVE_INFINITY : duration[r]!);
  for (let r = 0; r < trace.size; r++) {
    const own = service[r]!;
    const failed = errors.mark[r] === NO_ERROR ? 0 : 1;
    services[own] ??= { spans: 0, failed: 0, self: 0, row: r };
    const s = services[own];
    s.spans++;
    s.failed += failed;
    s.self += work.self[r]!;
    if (tells(r) > tells(s.row)) s.row = r;
    const p = parent[r]!;
    if (p < 0 || (service[p] === own && !(kind[p] === CLIENT && kind[r] === SERVER))) continue;
    const key = service[p]! * count + own;
    let c = calls.get(key);
    if (!c) {
      c = { count: 0, failed: 0, total: 0, longest: 0, row: r, messaging: true };
      calls.set(key, c);
    }
    c.count++;
    // The caller may call failed what the called side does not, such as a time-out.
    c.failed += failed || (kind[p] === CLIENT && errors.mark[p] !== NO_ERROR) ? 1 : 0;
    c.total += duration[r]!;
    c.longest = Math.max(c.longest, duration[r]!);
    c.messaging &&= kind[r] === CONSUMER;
    if (takes(r) > takes(c.row)) c.row = r;
  }
  return named(trace.services, services, calls);
}

function named(
  names: readonly string[],
  services: readonly (ServiceInTrace | undefined)[],
  calls: ReadonlyMap<number, CallsInTrace & { messaging: boolean }>,
): TraceGraph {
  const places = new Map<string, Place>();
  const byKey = new Map<string, ServiceInTrace>();
  services.forEach((s, i) => {
    const key = serviceKey(names[i]!);
    if (!s) return;
    byKey.set(key, s);
    const name = names[i]!;
    places.set(key, {
      key,
      kind: "service",
      name,
      system: "",
      spanCount: s.spans,
      errorCount: s.failed,
      folded: 0,
    });
  });
  const edges = new Map<string, Calls>();
  const figures = new Map<string, CallsInTrace>();
  for (const [pair, c] of calls) {
    const from = serviceKey(names[Math.floor(pair / names.length)]!);
    const to = serviceKey(names[pair % names.length]!);
    const key = `${from} → ${to}`;
    const { messaging, count, failed } = c;
    edges.set(key, { key, from, to, messaging, count, errors: failed, client: undefined, server: undefined });
    figures.set(key, c);
  }
  return { graph: { places, calls: edges }, services: byKey, calls: figures };
}
