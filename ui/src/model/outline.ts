// A trace from the API's outline: spans that carry nothing, and sums of the spans that were left out.

import type { TraceOutline } from "../api/types";
import { indexOfRow } from "./rows";
import { arrange, type Columns, type Outline, type Trace } from "./trace";

/** Builds the trace. The spans' resources are their services. */
export function buildOutline(sent: TraceOutline): Trace {
  const { spans } = sent;
  const size = spans.parent.length;
  const { service, resource } = numberServices(spans.service);
  const none = new Uint8Array(size + 1);
  const noList = { schemaUrl: [], dropped: [], attrs: [] };
  const columns: Columns = {
    traceId: sent.traceId,
    startTimeUnixNano: sent.startTimeUnixNano,
    strings: sent.strings,
    resources: { ...noList, service },
    scopes: { ...noList, name: [], version: [] },
    spans: {
      ids: spans.id,
      parentId: spans.parentId,
      parent: Int32Array.from(spans.parent),
      start: Float64Array.from(spans.start),
      duration: Float64Array.from(spans.duration),
      name: Int32Array.from(spans.name),
      kind: Uint8Array.from(spans.kind),
      status: Uint8Array.from(spans.status),
      statusMessage: Int32Array.from(spans.message),
      resource,
      scope: none,
      traceState: none,
      flags: none,
      droppedAttrs: none,
      droppedEvents: none,
      droppedLinks: none,
      attrs: none,
      events: none,
      links: none,
    },
    attributes: { key: [], value: [] },
    events: { time: [], name: [], dropped: [], attrs: [] },
    links: { traceId: [], spanId: [], traceState: [], flags: [], dropped: [], attrs: [] },
    stats: sent.stats,
  };
  return arrange(columns, outlineOf(sent));
}

/** Spans are in depth-first order and siblings by start, as rows are: what is told by span is so by row. */
function outlineOf({ totalSpans, left, services, strings, criticalPath }: TraceOutline): Outline {
  return {
    total: totalSpans,
    services: services.name.map((name, i) => ({
      name: strings[name] ?? "",
      spanCount: services.spans[i]!,
      errorCount: services.errors[i]!,
    })),
    left: {
      below: Int32Array.from(left.below),
      spans: Int32Array.from(left.spans),
      errors: Int32Array.from(left.errors),
      duration: Float64Array.from(left.duration),
      start: Float64Array.from(left.start),
      end: Float64Array.from(left.end),
      self: Float64Array.from(left.self),
    },
    path: {
      row: Int32Array.from(criticalPath.row),
      start: Float64Array.from(criticalPath.start),
      end: Float64Array.from(criticalPath.end),
    },
  };
}

/** The distinct services, and which of them each span is of. */
function numberServices(services: readonly number[]) {
  const numbers = new Map<number, number>();
  const resource = new Int32Array(services.length);
  for (let i = 0; i < services.length; i++) {
    let number = numbers.get(services[i]!);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(services[i]!, number);
    }
    resource[i] = number;
  }
  return { service: [...numbers.keys()], resource };
}

/** How many spans an outline leaves out below a row, at any depth; 0 for any other trace. */
export function leftBelow(trace: Trace, row: number): number {
  if (!trace.outline) return 0;
  const { below, spans } = trace.outline.left;
  const at = indexOfRow(below, row);
  return at >= 0 && below[at] === row ? spans[at]! : 0;
}

const sum = (numbers: Int32Array) => numbers.reduce((total, n) => total + n, 0);

/** All spans that an outline leaves out, and the failed ones of them. */
export function leftOut({ outline }: Trace): { spans: number; errors: number } {
  return outline
    ? { spans: sum(outline.left.spans), errors: sum(outline.left.errors) }
    : { spans: 0, errors: 0 };
}
