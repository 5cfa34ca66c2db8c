import { describe, expect, it } from "vitest";
import type { TraceColumns, TraceOutline } from "../api/types";
import { graft } from "./graft";
import { load } from "./load";
import { buildOutline, leftBelow, leftOut } from "./outline";
import { columnsFromText, printTree, rowNamed } from "./testing";
import type { Trace } from "./trace";

/** An outline of spans as text; `left` are rows with how many spans were left out below them. */
function outlineFromText(text: string, left: Record<number, number> = {}): TraceOutline {
  const { spans, strings, resources, ...columns }: TraceColumns = columnsFromText(text);
  const below = Object.keys(left).map(Number);
  const none = below.map(() => 0);
  return {
    traceId: columns.traceId,
    startTimeUnixNano: columns.startTimeUnixNano,
    totalSpans: spans.id.length + Object.values(left).reduce((a, b) => a + b, 0),
    strings,
    spans: {
      ...spans,
      id: spans.name.map((name) => hexOf(strings[name]!)).join(""),
      service: spans.resource.map((r) => resources.service[r]!),
      message: spans.statusMessage,
    },
    left: {
      below,
      spans: Object.values(left),
      errors: none,
      duration: none,
      start: none,
      end: none,
      self: none,
    },
    services: { name: [], spans: [], errors: [] },
    criticalPath: {
      row: spans.id.map((_, i) => i),
      start: spans.start,
      end: spans.start.map((s, i) => s + spans.duration[i]!),
    },
    stats: columns.stats,
  };
}

/** A span's ID follows from its name, so that it is the same in each outline. */
const hexOf = (name: string) =>
  [...name]
    .map((c) => c.charCodeAt(0).toString(16).padStart(2, "0"))
    .join("")
    .padEnd(16, "0");

const told = (trace: Trace) =>
  printTree(trace, Array(trace.size).keys(), (r) => (leftBelow(trace, r) ? `+${leftBelow(trace, r)}` : ""));

const WHOLE = `
  shop order 0-100
    shop cart 0-40
      db read 5-10
    pay charge 40-90 error "declined"
    mail send 90-100
      mail render 91-92`;

describe("an outline", () => {
  it("is a trace whose rows say how much was left out below them", () => {
    const trace = buildOutline(outlineFromText(WHOLE, { 1: 3, 3: 1200 }));
    expect(`\n${told(trace)}`).toBe(`
shop order
  shop cart  +3
    db read
  pay charge  +1200
  mail send
    mail render`);
    expect(leftOut(trace).spans).toBe(1203);
    expect(trace.outline?.total).toBe(1209);
  });

  it("takes self times and no gaps from the server where children were left out", () => {
    const sent = outlineFromText("shop order 0-100\n  shop cart 0-10", { 0: 7 });
    sent.left.self = [5e6];
    const { work } = load(sent).model;
    expect([work.self[0], work.gapTo[0]]).toEqual([5e6, 0]);
  });
});

describe("what was left out", () => {
  const part = outlineFromText(
    `pay charge 40-90 error "declined"
  pay check 41-50
    bank ask 42-49
  pay book 50-80`,
    { 3: 9 },
  );

  it("comes in the place of the subtree, and everything after it moves", () => {
    const { outline, moved } = graft(outlineFromText(WHOLE, { 1: 3, 3: 12, 5: 1 }), part)!;
    const trace = buildOutline(outline);
    expect(`\n${told(trace)}`).toBe(`
shop order
  shop cart  +3
    db read
  pay charge
    pay check
      bank ask
    pay book  +9
  mail send
    mail render  +1`);
    expect(moved).toEqual({ row: 3, end: 4, by: 3 });
    expect(outline.criticalPath.row).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(trace.columns.strings[trace.columns.spans.statusMessage[rowNamed(trace, "charge")]!]).toBe(
      "declined",
    );
  });

  it("replaces what was there of the subtree", () => {
    const again = graft(graft(outlineFromText(WHOLE), part)!.outline, part)!;
    expect(again.moved).toEqual({ row: 3, end: 7, by: 0 });
    expect(told(buildOutline(again.outline))).toBe(
      told(buildOutline(graft(outlineFromText(WHOLE), part)!.outline)),
    );
  });

  it("is refused where the span is not in the trace", () => {
    expect(graft(outlineFromText("shop order 0-100"), part)).toBeUndefined();
  });
});
