// Questions about many spans at once: groups, series, the service graph, and what distinguishes spans.

import { get, type Params } from "./client";
import type { AnyValue, Explained, Kind, Stats } from "./types";

/** What of the stored spans is asked about; times are the API's nanoseconds, undefined is open. */
export interface Scoped {
  q?: string | undefined;
  start?: string | undefined;
  end?: string | undefined;
}

/** Durations are decimal nanoseconds; quantiles are at most 1.6 % off. */
export interface Group {
  values: (AnyValue | null)[];
  spanCount: number;
  errorCount: number;
  minNanos: string;
  p50Nanos: string;
  p90Nanos: string;
  p95Nanos: string;
  p99Nanos: string;
  maxNanos: string;
}

export interface Groups {
  by: string[];
  groups: Group[];
  groupCount: number;
  stats: Stats;
}

export interface Series {
  labels: { name: string; value: AnyValue | null }[];
  /** One for each interval; durations are seconds. */
  points: (number | null)[];
  exemplars?: { traceId: string; spanId: string; timeUnixNano: string; value: number }[];
}

export interface MetricsResult {
  series: Series[];
  startTimeUnixNano: string;
  stepNanos: string;
  share: number;
  stats: Stats;
  explain?: Explained;
}

export interface Latency {
  count: number;
  sumNanos: string;
  minNanos: string;
  p50Nanos: string;
  p90Nanos: string;
  p95Nanos: string;
  p99Nanos: string;
  maxNanos: string;
}

export type NodeKind = "service" | "database" | "messaging" | "external";

export interface GraphNode {
  kind: NodeKind;
  name: string;
  system?: string;
  spanCount?: number;
  errorCount?: number;
  entryCount?: number;
}

export interface GraphEdge {
  client: string;
  server: string;
  serverKind: NodeKind;
  serverSystem?: string;
  messaging: boolean;
  callCount: number;
  errorCount: number;
  firstCallTimeUnixNano?: string;
  lastCallTimeUnixNano?: string;
  clientLatency?: Latency;
  serverLatency?: Latency;
}

export interface ServiceGraph {
  traceCount: number;
  unknownCallCount: number;
  nodes: GraphNode[];
  edges: GraphEdge[];
  stats: Stats;
}

export interface ServiceGraphChanges {
  beforeTraceCount: number;
  afterTraceCount: number;
  addedServices: string[];
  removedServices: string[];
  edges: { before: GraphEdge; after: GraphEdge }[];
  stats: Stats;
}

export interface HeatMap {
  spanCount: number;
  startTimeUnixNano: string;
  stepNanos: string;
  rows: { fromNanos: string; toNanos: string; counts: number[]; errors: number[] }[];
  stats: Stats;
}

/** Traces laid over each other; durations are sums of all of them. */
export interface FlameGraph {
  traceCount: number;
  /** One of every so many traces was read; 1: all. */
  sampledOneOf: number;
  /** A tree, parents first; `parent` is a place in the list or -1. */
  nodes: {
    service: string;
    name: string;
    kind: Kind;
    parent: number;
    spanCount: number;
    errorCount: number;
    totalNanos: string;
    selfNanos: string;
  }[];
  stats: Stats;
}

/** Effects are Cohen's h: 0.2 is small, 0.8 large. */
export interface Difference {
  field: string;
  value?: AnyValue | null;
  lift?: number | null;
  quantiles?: number[];
  baseQuantiles?: number[];
  spanCount: number;
  baseSpanCount: number;
  share: number;
  baseShare: number;
  effect: number;
  p: number;
  q: number;
}

export interface Comparison {
  spanCount: number;
  baseSpanCount: number;
  testCount: number;
  differenceCount: number;
  differences: Difference[];
  skippedFields: string[];
  stats: Stats;
}

/** What spans are compared with: without it, with all others of the same time. */
export interface Against {
  base?: string | undefined;
  baseStart?: string | undefined;
  baseEnd?: string | undefined;
}

const ask =
  <T, P extends object>(path: string) =>
  (params: P, signal?: AbortSignal) =>
    get<T>(path, params as Params, signal);

export const analysis = {
  aggregate: ask<Groups, Scoped & { by?: string; limit?: number }>("/aggregate"),
  range: ask<MetricsResult, Scoped & { q: string; step?: string; explain?: string }>("/metrics/range"),
  instant: ask<MetricsResult, Scoped & { q: string }>("/metrics/instant"),
  graph: ask<ServiceGraph, Scoped>("/analysis/service-graph"),
  graphChanges: ask<ServiceGraphChanges, Scoped & { baseStart?: string; baseEnd?: string }>(
    "/analysis/service-graph/changes",
  ),
  flame: ask<FlameGraph, Scoped>("/analysis/flame-graph"),
  heatMap: ask<HeatMap, Scoped & { columns?: number }>("/analysis/heat-map"),
  comparison: ask<Comparison, Scoped & Against & { limit?: number }>("/analysis/comparison"),
};

type Analyses = typeof analysis;
export type Question = keyof Analyses;
export type Asked<K extends Question> = Parameters<Analyses[K]>[0];
export type Answer<K extends Question> = Awaited<ReturnType<Analyses[K]>>;
