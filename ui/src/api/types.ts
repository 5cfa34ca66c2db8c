// The native API's answers, as api/native/openapi.yaml describes them. 64-bit numbers are decimal strings.

export interface Stats {
  complete: boolean;
  incompleteReason?: string;
  scannedSpans: number;
  totalSpans: number;
  scannedBlocks: number;
  totalBlocks: number;
  elapsedNanos: string;
}

export interface ServiceCount {
  name: string;
  spanCount: number;
  errorCount: number;
}

export interface TraceSummary {
  traceId: string;
  rootService: string;
  rootName: string;
  rootMissing?: boolean;
  startTimeUnixNano: string;
  durationNanos: string;
  spanCount: number;
  errorCount: number;
  matchedCount: number;
  services: ServiceCount[];
  /** What the query found in the trace, where spans were asked for. */
  spanSets?: { matchedCount: number; spans: FoundSpan[] }[];
}

/** A span that a query found, with the fields that it selects. */
export interface FoundSpan {
  spanId: string;
  service: string;
  name: string;
  startTimeUnixNano: string;
  durationNanos: string;
  values: { name: string; value: AnyValue | null }[];
}

/** What an answer took, where that was asked. */
export interface Explained {
  /** From files; what was in memory was not read. */
  readBytes: number;
}

export interface SearchResult {
  traces: TraceSummary[];
  nextCursor?: string;
  stats: Stats;
  explain?: Explained;
}

/** Traces that got spans since a cursor, in the order of their arrival. */
export interface TailResult {
  traces: TraceSummary[];
  nextCursor: string;
  /** There are more; ask again at once. */
  more: boolean;
  /** Some arrivals before these are not remembered. */
  missed: boolean;
  stats: Stats;
}

export type Kind = "unspecified" | "internal" | "server" | "client" | "producer" | "consumer";

export interface Operation {
  service: string;
  name: string;
  kind: Kind;
  spanCount: number;
  errorCount: number;
}

export type Scope = "span" | "resource" | "instrumentation" | "event" | "link";

export interface AttributeKey {
  scope: Scope;
  key: string;
  types: string[];
  spanCount: number;
}

/** A name or operator of the query language. */
export interface Word {
  name: string;
  kind: "intrinsic" | "scope" | "stage" | "aggregate" | "metrics" | "series" | "relation" | "hint";
  /** What an intrinsic is compared with, a hint is set to, or a function has in its parentheses. */
  takes?: string;
  /** All values of an intrinsic, where these are few. */
  values?: string[];
}

export interface FieldValue {
  value: string;
  spanCount?: number;
}

export interface Status {
  version: string;
  startTimeUnixNano: string;
  spanCount: number;
  diskBytes: number;
  segmentCount: number;
  minSpanStartUnixNano?: string;
  maxSpanStartUnixNano?: string;
  storage: {
    headSpanCount: number;
    headBytes: number;
    segmentSpanCount: number;
    segmentBytes: number;
    /** Segments that wait for compaction. */
    pendingSegmentCount: number;
    flushFailing: boolean;
  };
  retention: {
    /** Absent without that bound. */
    ageNanos?: string;
    bytes?: number;
    /** Without an age their traces are kept for ever. */
    rules: { match: string; ageNanos?: string }[];
    /** The segment that is too old next: all of it goes, or what the rules say. */
    next?: {
      dueTimeUnixNano: string;
      whole: boolean;
      spanCount: number;
      bytes: number;
      minSpanStartUnixNano: string;
      maxSpanStartUnixNano: string;
    };
    deletedSpanCount: number;
    deletedSegmentCount: number;
    /** Of these, the ones that went because the disk was filling up. */
    earlySegmentCount: number;
  };
  lost: {
    file: string;
    /** 0 where nobody knows. */
    spanCount: number;
    minSpanStartUnixNano: string;
    maxSpanStartUnixNano: string;
  }[];
  endpoints: { otlpHttp: string; otlpGrpc: string };
}

export interface Deletion {
  id: number;
  state: "pending" | "erased" | "lost";
  requestedTimeUnixNano: string;
  erasedTimeUnixNano?: string;
  dueTimeUnixNano?: string;
  /** With hashes in place of values. */
  what: string;
  traceCount: number;
}

export interface Backup {
  id: number;
  state: "running" | "done" | "failed";
  startedTimeUnixNano: string;
  endedTimeUnixNano?: string;
  directory: string;
  totalBytes: number;
  bytes: number;
  incompleteReason?: string;
  error?: string;
}

/** A query of the log; constants are question marks unless the server keeps them. */
export interface LoggedQuery {
  readonly route: string;
  readonly class: string;
  readonly text: string;
  readonly client: string;
  readonly status: string;
  readonly startTimeUnixNano: string;
  readonly waitedNanos: string;
  readonly elapsedNanos: string;
  readonly scannedSpans: number;
  readonly readBytes: number;
  readonly matchedSpans: number;
  readonly matchedTraces: number;
  readonly complete: boolean;
  readonly incompleteReason?: string;
}

/** An OTLP/JSON AnyValue; an empty object is the empty value. */
export interface AnyValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string | number;
  doubleValue?: number | string;
  bytesValue?: string;
  arrayValue?: { values?: AnyValue[] };
  kvlistValue?: { values?: { key: string; value?: AnyValue }[] };
}

/** A trace as arrays; string columns hold indices into `strings`. */
export interface TraceColumns {
  traceId: string;
  startTimeUnixNano: string;
  strings: string[];
  resources: { service: number[]; schemaUrl: number[]; dropped: number[]; attrs: number[] };
  scopes: { name: number[]; version: number[]; schemaUrl: number[]; dropped: number[]; attrs: number[] };
  spans: {
    id: string[];
    parent: number[];
    parentId: Record<string, string>;
    start: number[];
    duration: number[];
    name: number[];
    kind: number[];
    status: number[];
    statusMessage: number[];
    resource: number[];
    scope: number[];
    traceState: number[];
    flags: number[];
    droppedAttrs: number[];
    droppedEvents: number[];
    droppedLinks: number[];
    attrs: number[];
    events: number[];
    links: number[];
  };
  attributes: { key: number[]; value: AnyValue[] };
  events: { time: number[]; name: number[]; dropped: number[]; attrs: number[] };
  links: {
    traceId: string[];
    spanId: string[];
    traceState: number[];
    flags: number[];
    dropped: number[];
    attrs: number[];
  };
  stats: Stats;
}

/** The most important spans of a large trace, without what they carry, and sums of those left out. */
export interface TraceOutline {
  traceId: string;
  startTimeUnixNano: string;
  /** Spans of the trace. */
  totalSpans: number;
  strings: string[];
  spans: {
    /** All IDs one after the other, 16 digits each. */
    id: string;
    parent: number[];
    parentId: Record<string, string>;
    start: number[];
    duration: number[];
    name: number[];
    service: number[];
    kind: number[];
    status: number[];
    message: number[];
  };
  /** By the row of the span that they are below, ascending; -1: they are below none. */
  left: {
    below: number[];
    spans: number[];
    errors: number[];
    duration: number[];
    start: number[];
    end: number[];
    /** Self time of the span that they are below. */
    self: number[];
  };
  /** Of the whole trace, the one with the most spans first. */
  services: { name: number[]; spans: number[]; errors: number[] };
  criticalPath: { row: number[]; start: number[]; end: number[] };
  stats: Stats;
}

/** The spans of a trace that contain a text. */
export interface Matches {
  spanIds: string[];
  /** May be more than are told. */
  matchedCount: number;
  stats: Stats;
}

/** A part of a critical path; `row` is the span's place in the columns. */
export interface Stretch {
  row: number;
  spanId: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
}

/** An RFC 9457 problem. */
export interface Problem {
  title: string;
  status: number;
  detail?: string;
  position?: number;
  expected?: string;
}
