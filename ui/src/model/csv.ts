// Results as tables of text, for files.

import type { MetricsResult } from "../api/analysis";
import type { FoundSpan, TraceSummary } from "../api/types";
import { nanosToMillis } from "../base/format";
import { textOf } from "./detail";
import { seriesName } from "./series";
import { spanRows, textsOf } from "./spanrows";

export type Table = (string | number)[][];

/** A table as RFC 4180 has it. What a spreadsheet would take for a formula is kept a text by an apostrophe. */
export const csv = (table: Table): string => table.map((row) => `${row.map(cell).join(",")}\r\n`).join("");

function cell(value: string | number): string {
  if (typeof value === "number") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) && Number.isNaN(Number(value)) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A time as ISO 8601 with all of its digits. */
function isoOf(nanos: string): string {
  const fraction = nanos.padStart(10, "0").slice(-9);
  return new Date(Math.floor(nanosToMillis(nanos) / 1000) * 1000)
    .toISOString()
    .replace(".000Z", `.${fraction}Z`);
}

/** A row a trace; of each column what its spans found have. */
export function tracesTable(traces: readonly TraceSummary[], columns: readonly string[]): Table {
  const head = [
    "start",
    "traceId",
    "rootService",
    "rootName",
    "durationNanos",
    "spanCount",
    "errorCount",
    "matchedCount",
    "services",
  ];
  return [
    [...head, ...columns],
    ...traces.map((t) => [
      isoOf(t.startTimeUnixNano),
      t.traceId,
      t.rootService,
      t.rootName,
      t.durationNanos,
      t.spanCount,
      t.errorCount,
      t.matchedCount,
      t.services.map((s) => s.name).join(" "),
      ...columns.map((column) => textsOf(t, column).join("; ")),
    ]),
  ];
}

/** A row a span. */
export function spansTable(traces: readonly TraceSummary[], columns: readonly string[]): Table {
  const value = (span: FoundSpan, column: string) => {
    const found = span.values.find((v) => v.name === column)?.value;
    return found ? textOf(found) : "";
  };
  return [
    ["start", "traceId", "spanId", "service", "name", "durationNanos", ...columns],
    ...spanRows(traces).map(({ trace, span }) => [
      isoOf(span.startTimeUnixNano),
      trace.traceId,
      span.spanId,
      span.service,
      span.name,
      span.durationNanos,
      ...columns.map((column) => value(span, column)),
    ]),
  ];
}

/** A row an interval, by its beginning, and a column a series; durations are seconds. */
export function seriesTable(result: MetricsResult, all: string): Table {
  const { series } = result;
  const start = BigInt(result.startTimeUnixNano);
  const step = BigInt(result.stepNanos);
  return [
    ["time", ...series.map((s) => seriesName(s) || all)],
    ...(series[0]?.points ?? []).map((_, i) => [
      isoOf(String(start + step * BigInt(i))),
      ...series.map((s) => s.points[i] ?? ""),
    ]),
  ];
}
