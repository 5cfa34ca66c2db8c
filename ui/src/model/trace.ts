// A trace ready for display: the API's columns put into depth-first order in typed arrays.
//
// Invariants: rows are numbered in depth-first order, siblings by start, so the subtree of row r is
// [r, r + subtree[r]) and a parent's number is smaller than its children's. A parent that is missing,
// the span itself or later in a cycle is taken as none: every span is shown exactly once. Everything is
// immutable after buildTrace; an adjusted trace is a new one that shares the other arrays.
//
// Of a large trace the API tells an outline: its spans carry nothing, and those it leaves out are sums.
// What is here is plain data and passes from a worker to the page.

import type { ServiceCount, Stats, TraceColumns } from "../api/types";

export const ERROR = 2;
export const CLIENT = 3;
export const SERVER = 2;
export const CONSUMER = 5;

const ID_DIGITS = 16;

/** Names of OTLP's span kinds by number. */
export const KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"] as const;

/** The columns of a trace; of one that is an outline those of what spans carry are empty. */
export interface Columns extends Omit<TraceColumns, "spans"> {
  spans: Record<Exclude<keyof TraceColumns["spans"], "id" | "parentId">, ArrayLike<number>> & {
    /** All IDs one after the other, 16 digits each. */
    ids: string;
    parentId: Record<string, string>;
  };
  stats: Stats;
}

/** Spans that an outline leaves out, by the row that they are below, ascending; -1: they are below none. */
export interface LeftOut {
  readonly below: Int32Array;
  readonly spans: Int32Array;
  readonly errors: Int32Array;
  /** Of all of them together, in nanoseconds. */
  readonly duration: Float64Array;
  /** From where to where they reach, in nanoseconds after the trace's time zero. */
  readonly start: Float64Array;
  readonly end: Float64Array;
  /** Self time of the row that they are below. */
  readonly self: Float64Array;
}

export interface Outline {
  /** Spans of the trace, those left out included. */
  readonly total: number;
  readonly left: LeftOut;
  /** The services of all of them, the one with the most first. */
  readonly services: readonly ServiceCount[];
  /** The critical path by index in columns.spans, by time, in nanoseconds after the trace's time zero. */
  readonly path: { readonly row: Int32Array; readonly start: Float64Array; readonly end: Float64Array };
}

export interface Trace {
  readonly traceId: string;
  readonly columns: Columns;
  /** Of a trace that came without what its spans carry. */
  readonly outline: Outline | undefined;
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
export function buildTrace({ spans: { id, ...spans }, ...columns }: TraceColumns): Trace {
  return arrange({ ...columns, spans: { ...spans, ids: id.join("") } });
}

/** Puts columns into depth-first order. */
export function arrange(columns: Columns, outline?: Outline): Trace {
  const { spans, strings, resources } = columns;
  const size = spans.parent.length;
  const children = linkChildren(spans.parent, spans.start);
  const order = depthFirst(children, size);
  const { source } = order;
  const services = new Map<string, number>();
  const resourceService = resources.service.map((index) => {
    const name = strings[index] ?? "";
    if (!services.has(name)) services.set(name, services.size);
    return services.get(name)!;
  });
  const row = new Int32Array(size);
  for (let r = 0; r < size; r++) row[source[r]!] = r;
  const parent = new Int32Array(size);
  const service = new Int32Array(size);
  const kind = new Uint8Array(size);
  const status = new Uint8Array(size);
  const start = new Float64Array(size);
  const duration = new Float64Array(size);
  for (let r = 0; r < size; r++) {
    const i = source[r]!;
    const above = children.parent[i]!;
    parent[r] = above < 0 ? -1 : row[above]!;
    service[r] = resourceService[spans.resource[i]!] ?? 0;
    kind[r] = spans.kind[i]!;
    status[r] = spans.status[i]!;
    start[r] = spans.start[i]!;
    duration[r] = spans.duration[i]!;
  }
  return {
    traceId: columns.traceId,
    columns,
    outline,
    startNanos: BigInt(columns.startTimeUnixNano),
    size,
    services: [...services.keys()],
    source,
    parent,
    depth: order.depth,
    subtree: order.subtree,
    service,
    kind,
    status,
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
    if (start[r]! < from) from = start[r]!;
    if (start[r]! + duration[r]! > to) to = start[r]! + duration[r]!;
  }
  return { from, to };
}

interface Children {
  parent: Int32Array;
  /** Children of i are list[offset[i]] … list[offset[i + 1] - 1], by start; roots are those of `size`. */
  offset: Int32Array;
  list: Int32Array;
}

function linkChildren(parents: ArrayLike<number>, starts: ArrayLike<number>): Children {
  const size = parents.length;
  // The API lists parents first, so a parent that comes later can only be part of a cycle.
  const parent = new Int32Array(size);
  for (let i = 0; i < size; i++) parent[i] = parents[i]! < i ? Math.max(-1, parents[i]!) : -1;
  const offset = new Int32Array(size + 2);
  const slot = (i: number) => (parent[i]! < 0 ? size : parent[i]!);
  for (let i = 0; i < size; i++) offset[slot(i) + 1]!++;
  for (let i = 0; i <= size; i++) offset[i + 1]! += offset[i]!;
  const next = offset.slice();
  const list = new Int32Array(size);
  for (let i = 0; i < size; i++) list[next[slot(i)]!++] = i;
  for (let i = 0; i <= size; i++) {
    if (!isSorted(list, offset[i]!, offset[i + 1]!, starts))
      list.subarray(offset[i]!, offset[i + 1]!).sort((a, b) => starts[a]! - starts[b]! || a - b);
  }
  return { parent, offset, list };
}

/** Siblings mostly are as the API has them. */
function isSorted(list: Int32Array, from: number, to: number, starts: ArrayLike<number>): boolean {
  for (let i = from + 1; i < to; i++) if (starts[list[i - 1]!]! > starts[list[i]!]!) return false;
  return true;
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
  const at = trace.source[row]! * ID_DIGITS;
  return trace.columns.spans.ids.slice(at, at + ID_DIGITS);
}

/** The ID of the parent where the span names one that is not here, else "". */
export function missingParent(trace: Trace, row: number): string {
  return trace.columns.spans.parentId[String(trace.source[row])] ?? "";
}

/** The row of a span ID, or -1. */
export function rowOf(trace: Trace, spanId: string): number {
  if (spanId.length !== ID_DIGITS) return -1;
  const { ids } = trace.columns.spans;
  let at = ids.indexOf(spanId);
  while (at >= 0 && at % ID_DIGITS !== 0) at = ids.indexOf(spanId, at + 1);
  return at < 0 ? -1 : trace.source.indexOf(at / ID_DIGITS);
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
