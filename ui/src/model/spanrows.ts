// Results as spans: one row a span that the query found, in the order of the traces.

import type { FoundSpan, TraceSummary } from "../api/types";
import { textOf } from "./detail";

export interface SpanRow {
  readonly trace: TraceSummary;
  readonly span: FoundSpan;
  /** How many more spans of the trace the query found than are told; on the trace's last row alone. */
  readonly more: number;
}

/** The most spans of a trace that are told. */
export const SPANS_OF_A_TRACE = 20;

/** The rows of traces that were asked for with their spans. */
export function spanRows(traces: readonly TraceSummary[]): SpanRow[] {
  const rows: SpanRow[] = [];
  for (const trace of traces) {
    const seen = new Set<string>();
    for (const { spans } of trace.spanSets ?? []) {
      for (const span of spans) {
        if (seen.has(span.spanId)) continue;
        seen.add(span.spanId);
        rows.push({ trace, span, more: 0 });
      }
    }
    const last = rows.at(-1);
    if (last?.trace === trace && trace.matchedCount > seen.size)
      rows[rows.length - 1] = { ...last, more: trace.matchedCount - seen.size };
  }
  return rows;
}

/** The different values of a field among the spans of a trace that are told, in their order. */
export function textsOf(trace: TraceSummary, field: string): string[] {
  const texts = new Set<string>();
  for (const { spans } of trace.spanSets ?? []) {
    for (const span of spans) {
      const value = span.values.find((v) => v.name === field)?.value;
      if (value) texts.add(textOf(value));
    }
  }
  return [...texts];
}

/** Fields in the URL, between commas; a quoted name may hold commas. */
export const parseColumns = (written: string): string[] => [
  ...new Set(
    (written.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? []).map((field) => field.trim()).filter(Boolean),
  ),
];
