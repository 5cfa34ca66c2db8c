// A trace ready for display: the API's columns put into depth-first order in typed arrays.
//
// Invariants: rows are numbered in depth-first order, siblings by start, so the subtree of row r is
// [r, r + subtree[r]) and a parent's number is smaller than its children's. A parent that is missing,
// the span itself or later in a cycle is taken as none: every span is shown exactly once. Everything is
// immutable after buildTrace; an adjusted trace is a new one that shares the other arrays.

import type { TraceColumns } from "../api/types";

export const ERROR = 2;
export const CLIENT = 3;
export const SERVER = 2;
export const CONSUMER = 5;

/** Names of OTLP's span kinds by number. */
export const KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"] as const;

export interface Trace {
  readonly traceId: string;
  readonly columns: TraceColumns;
  /** Unix nanoseconds of time zero. */
  readonly startNanos: bigint;
  readonly size: number;
  readonly services: readonly string[];
  /** Row to index in columns.spans. */
  readonly source: Int32Array;
  /** Row of the parent or -1. */
  readonly parent: Int32Array;
  readonly depth: Int32Array;
  /** Spans in the subtree, the row included. */
  readonly subtree: Int32Array;
  /** Index into services. */
  readonly service: Int32Array;
  readonly kind: Uint8Array;
  readonly status: Uint8Array;
  /** Nanoseconds after startNanos. */
  readonly start: Float64Array;
  readonly duration: Float64Array;
  /** From where to where the spans reach, in nanoseconds after startNanos. */
  readonly from: number;
  readonly to: number;
}

/** Builds the trace; the columns are kept, not copied. */
export function buildTrace(columns: TraceColumns): Trace {
  const { spans, strings, resources } = columns;
  const size = spans.id.length;
  const children = linkChildren(spans.parent, spans.start);
  const order = depthFirst(children, size);
  const services = new Map<string, number>();
  const resourceService = resources.service.map((index) => {
    const name = strings[index] ?? "";
    if (!services.has(name)) services.set(name, services.size);
    return services.get(name)!;
  });
  const row = new Int32Array(size);
  order.source.forEach((source, r) => {
    row[source] = r;
  });
  const start = Float64Array.from(order.source, (i) => spans.start[i]!);
  const duration = Float64Array.from(order.source, (i) => spans.duration[i]!);
  return {
    traceId: columns.traceId,
    columns,
    startNanos: BigInt(columns.startTimeUnixNano),
    size,
    services: [...services.keys()],
    source: order.source,
    parent: Int32Array.from(order.source, (i) => (children.parent[i]! < 0 ? -1 : row[children.parent[i]!]!)),
    depth: order.depth,
    subtree: order.subtree,
    service: Int32Array.from(order.source, (i) => resourceService[spans.resource[i]!] ?? 0),
    kind: Uint8Array.from(order.source, (i) => spans.kind[i]!),
    status: Uint8Array.from(order.source, (i) => spans.status[i]!),
    start,
    duration,
    ...extent(start, duration),
  };
}

/** The earliest start and the latest end. */
export function extent(start: Float64Array, duration: Float64Array): { from: number; to: number } {
  if (start.length === 0) return { from: 0, to: 0 };
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (let r = 0; r < start.length; r++) {
    from = Math.min(from, start[r]!);
    to = Math.max(to, start[r]! + duration[r]!);
  }
  return { from, to };
}

interface Children {
  parent: Int32Array;
  /** Children of i are list[offset[i]] … list[offset[i + 1] - 1], by start; roots are those of `size`. */
  offset: Int32Array;
  list: Int32Array;
}

function linkChildren(parents: readonly number[], starts: readonly number[]): Children {
  const size = parents.length;
  // The API lists parents first, so a parent that comes later can only be part of a cycle.
  const parent = Int32Array.from(parents, (p, i) => (p >= 0 && p < i ? p : -1));
  const offset = new Int32Array(size + 2);
  const slot = (i: number) => (parent[i]! < 0 ? size : parent[i]!);
  for (let i = 0; i < size; i++) offset[slot(i) + 1]!++;
  for (let i = 0; i <= size; i++) offset[i + 1]! += offset[i]!;
  const next = offset.slice();
  const list = new Int32Array(size);
  for (let i = 0; i < size; i++) list[next[slot(i)]!++] = i;
  for (let i = 0; i <= size; i++) {
    const own = list.subarray(offset[i]!, offset[i + 1]!);
    if (own.length > 1) own.sort((a, b) => starts[a]! - starts[b]! || a - b);
  }
  return { parent, offset, list };
}

function depthFirst(children: Children, size: number) {
  const source = new Int32Array(size);
  const depth = new Int32Array(size);
  const subtree = new Int32Array(size).fill(1);
  const stack: number[] = [];
  const level = new Int32Array(size);
  const push = (of: number, at: number) => {
    for (let i = children.offset[of + 1]! - 1; i >= children.offset[of]!; i--) {
      const child = children.list[i]!;
      level[child] = at;
      stack.push(child);
    }
  };
  push(size, 0);
  for (let r = 0; r < size; r++) {
    const i = stack.pop()!;
    source[r] = i;
    depth[r] = level[i]!;
    push(i, level[i]! + 1);
  }
  // Backwards, a row's subtree is complete before it is added to its parent's, which is the nearest
  // earlier row of lesser depth.
  const path: number[] = [];
  const up = new Int32Array(size);
  for (let r = 0; r < size; r++) {
    up[r] = depth[r]! > 0 ? path[depth[r]! - 1]! : -1;
    path[depth[r]!] = r;
  }
  for (let r = size - 1; r >= 0; r--) if (up[r]! >= 0) subtree[up[r]!]! += subtree[r]!;
  return { source, depth, subtree };
}

/** The span's name. */
export function nameOf(trace: Trace, row: number): string {
  return trace.columns.strings[trace.columns.spans.name[trace.source[row]!]!] ?? "";
}

/** The name of the span's service. */
export function serviceOf(trace: Trace, row: number): string {
  return trace.services[trace.service[row]!] ?? "";
}

/** The span's ID in hexadecimal. */
export function idOf(trace: Trace, row: number): string {
  return trace.columns.spans.id[trace.source[row]!] ?? "";
}

/** The ID of the parent where the span names one that is not here, else "". */
export function missingParent(trace: Trace, row: number): string {
  return trace.columns.spans.parentId[String(trace.source[row])] ?? "";
}

/** The row of a span ID, or -1. */
export function rowOf(trace: Trace, spanId: string): number {
  if (!spanId) return -1;
  const index = trace.columns.spans.id.indexOf(spanId);
  return index < 0 ? -1 : trace.source.indexOf(index);
}

/** The row that stands for the whole trace: the earliest span without a parent here, or -1. */
export function rootRow(trace: Trace): number {
  let best = -1;
  for (let r = 0; r < trace.size; r += trace.subtree[r]!) {
    const better =
      best < 0 ||
      (missingParent(trace, best) !== "" && missingParent(trace, r) === "") ||
      (trace.start[r]! < trace.start[best]! &&
        (missingParent(trace, best) !== "" || missingParent(trace, r) === ""));
    if (better) best = r;
  }
  return best;
}
