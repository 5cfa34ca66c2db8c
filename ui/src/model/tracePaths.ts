// Traces by operation path: spans that have the same services and names above them, up to the root, are one path.

import type { FlameGraph } from "../api/analysis";
import { ERROR, rootRow, type Trace } from "./trace";
import type { Work } from "./work";

/** The sums of paths, parents first. */
export interface Paths {
  /** The path above, or -1. */
  readonly parent: readonly number[];
  readonly service: readonly string[];
  readonly name: readonly string[];
  /** Spans and failed ones; of many traces the average of one, not whole numbers. */
  readonly count: readonly number[];
  readonly errors: readonly number[];
  /** Nanoseconds. */
  readonly total: readonly number[];
  readonly self: readonly number[];
  /** The nanoseconds that the root's span takes. */
  readonly duration: number;
}

/** Numbers paths as they are met. */
export class PathNumbers {
  readonly parent: number[] = [];
  readonly service: string[] = [];
  readonly name: string[] = [];
  private readonly known = new Map<string, number>();

  /** The number of a path, a new one if it was not met before. */
  of(parent: number, service: string, name: string): number {
    const key = `${parent} ${service}\n${name}`;
    const found = this.known.get(key);
    if (found !== undefined) return found;
    this.known.set(key, this.parent.length);
    this.service.push(service);
    this.name.push(name);
    return this.parent.push(parent) - 1;
  }
}

/** The paths of one trace; `of` is the path of each row, `longest` the row of each path that takes longest. */
export interface PathsOfTrace extends Paths {
  readonly of: Int32Array;
  readonly longest: readonly number[];
}

export function pathsOfTrace(trace: Trace, work: Work): PathsOfTrace {
  const numbers = new PathNumbers();
  const of = new Int32Array(trace.size);
  const [count, errors, total, self, longest]: number[][] = [[], [], [], [], []];
  const { strings, spans } = trace.columns;
  for (let r = 0; r < trace.size; r++) {
    const above = trace.parent[r]! < 0 ? -1 : of[trace.parent[r]!]!;
    const name = strings[spans.name[trace.source[r]!]!] ?? "";
    const p = numbers.of(above, trace.services[trace.service[r]!] ?? "", name);
    of[r] = p;
    count![p] = (count![p] ?? 0) + 1;
    errors![p] = (errors![p] ?? 0) + (trace.status[r] === ERROR ? 1 : 0);
    total![p] = (total![p] ?? 0) + trace.duration[r]!;
    self![p] = (self![p] ?? 0) + work.self[r]!;
    const best = longest![p];
    if (best === undefined || trace.duration[r]! > trace.duration[best]!) longest![p] = r;
  }
  const root = rootRow(trace);
  return {
    parent: numbers.parent,
    service: numbers.service,
    name: numbers.name,
    count: count!,
    errors: errors!,
    total: total!,
    self: self!,
    duration: root < 0 ? 0 : trace.duration[root]!,
    of,
    longest: longest!,
  };
}

/** What each path takes of the critical path itself, in nanoseconds. */
export function pathTimes(paths: PathsOfTrace, timeOf: (row: number) => number): number[] {
  const times = new Array<number>(paths.parent.length).fill(0);
  for (let r = 0; r < paths.of.length; r++) times[paths.of[r]!]! += timeOf(r);
  return times;
}

/** The average of traces that begin with an operation, from all of them laid over each other. */
export function averagePaths(flame: FlameGraph, rootService: string, rootName: string): Paths {
  const numbers = new PathNumbers();
  const [count, errors, total, self]: number[][] = [[], [], [], []];
  const path: number[] = [];
  for (const node of flame.nodes) {
    // Operations differ in kind too; what calls itself over the wire still has two paths, one below the other.
    const p = numbers.of(node.parent < 0 ? -1 : path[node.parent]!, node.service, node.name);
    path.push(p);
    count![p] = (count![p] ?? 0) + node.spanCount;
    errors![p] = (errors![p] ?? 0) + node.errorCount;
    total![p] = (total![p] ?? 0) + Number(node.totalNanos);
    self![p] = (self![p] ?? 0) + Number(node.selfNanos);
  }
  const root = numbers.of(-1, rootService, rootName);
  // Roots count as many as they were sampled of, and so do the spans below them.
  const traces = count![root] || flame.traceCount || 1;
  const one = (sums: number[] | undefined) => numbers.parent.map((_, p) => (sums![p] ?? 0) / traces);
  return {
    parent: numbers.parent,
    service: numbers.service,
    name: numbers.name,
    count: one(count),
    errors: one(errors),
    total: one(total),
    self: one(self),
    duration: (total![root] ?? 0) / traces,
  };
}
