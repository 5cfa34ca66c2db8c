// What can be written at the cursor of a query. The text before it is read with all patience: what is unfinished or
// wrong elsewhere does not matter, and the server alone decides what is valid.

import { type Token, tokenize } from "./query";

/** What the part of a query that just ended is: other things go on from series than from spans. */
export type After = "spanset" | "stage" | "number" | "metrics" | "series" | "end";

export type Expected =
  /** A query begins: a filter, or a stage that all spans go through. */
  | { kind: "start" }
  /** A stage after a bar, or of series. */
  | { kind: "stage"; of: "spans" | "series" }
  /** What goes on from a stage or a spanset. */
  | { kind: "next"; after: After }
  /** A spanset after an operator on them, or a selection to compare. */
  | { kind: "filter" }
  /** A field, in braces or in the parentheses of a function. */
  | { kind: "field"; inFilter: boolean }
  /** An operator is expected after a field. */
  | { kind: "operator"; field: string }
  /** A value of `field` is expected; prefix is without the opening quote. */
  | { kind: "value"; field: string }
  /** `&&`, `||` or the closing bracket. */
  | { kind: "logic"; close: "}" | ")" }
  /** A number that series or spansets are compared with, or that a function takes. */
  | { kind: "number"; of: string }
  /** The end of a function's argument, or one more. */
  | { kind: "closing"; more: boolean }
  | { kind: "hint" }
  | { kind: "hint value"; hint: string }
  | { kind: "nothing" };

/** [from, to) is what a chosen completion replaces, prefix what of it stands before the cursor. */
export type Place = Expected & { from: number; to: number; prefix: string };

/** What a token or a closed bracket is to the bracket around it. */
interface Item {
  readonly type: Token["type"] | "filter" | "group" | "call";
  /** The text of a token, the name of a call. */
  readonly text: string;
}

interface Frame {
  /** "" for the query itself and for parentheses in it. */
  readonly bracket: "query" | "{" | "(" | "call";
  readonly name: string;
  readonly inFilter: boolean;
  readonly items: Item[];
}

const METRICS = /^(rate|compare|\w+_over_time)$/;
const AGGREGATE = /^(count|avg|min|max|sum)$/;

/** The place of the cursor. */
export function placeAt(query: string, cursor: number): Place {
  const tokens = tokenize(query);
  const at = tokens.findIndex((t) => t.at < cursor && cursor <= t.at + t.text.length);
  const token = tokens[at];
  const editing = token && (token.type === "word" || token.type === "string") ? token : undefined;
  const frame = frameOf(tokens.filter((t) => t !== editing && t.at + t.text.length <= cursor));
  const from = editing?.at ?? cursor;
  const to = editing ? editing.at + editing.text.length : cursor;
  const typed = editing ? query.slice(editing.at, cursor) : "";
  const expected = expectedIn(frame);
  const prefix = expected.kind === "value" ? typed.replace(/^["`]/, "").replace(/["`]$/, "") : typed;
  return { ...expected, from, to, prefix };
}

/** The innermost bracket that is open after the tokens, with what is in it so far. */
function frameOf(tokens: readonly Token[]): Frame {
  const open: Frame[] = [{ bracket: "query", name: "", inFilter: false, items: [] }];
  for (const token of tokens) {
    const inner = open.at(-1)!;
    if (token.type === "space") continue;
    if (token.text === "{") {
      open.push({ bracket: "{", name: "", inFilter: true, items: [] });
    } else if (token.text === "(") {
      const call = inner.items.at(-1)?.type === "word" && /^\w+$/.test(inner.items.at(-1)!.text);
      const name = call ? inner.items.pop()!.text : "";
      open.push({ bracket: call ? "call" : "(", name, inFilter: inner.inFilter, items: [] });
    } else if (token.text === "}" || token.text === ")") {
      if (open.length === 1) continue;
      const { bracket, name } = open.pop()!;
      const type = bracket === "{" ? "filter" : bracket === "call" ? "call" : "group";
      open.at(-1)!.items.push({ type, text: name });
    } else inner.items.push({ type: token.type, text: token.text });
  }
  return open.at(-1)!;
}

function expectedIn(frame: Frame): Expected {
  if (frame.bracket === "call" && !frame.inFilter) return inCall(frame.name, frame.items);
  if (frame.inFilter) return inFilter(frame.items, frame.bracket === "{" ? "}" : ")");
  return inPipeline(frame.items);
}

/** Operators of arithmetic are words to the tokenizer, for a field's name may hold them. */
const isArithmetic = (item: Item) => item.type === "word" && /^[-+*/%^]$/.test(item.text);

function inFilter(items: readonly Item[], close: "}" | ")"): Expected {
  const last = items.at(-1);
  if (!last || last.type === "logic" || last.type === "relation" || isArithmetic(last))
    return { kind: "field", inFilter: true };
  if (last.type === "compare") return { kind: "value", field: items.at(-2)?.text ?? "" };
  if (last.type === "word" && items.at(-2)?.type !== "compare") return { kind: "operator", field: last.text };
  return { kind: "logic", close };
}

function inCall(name: string, all: readonly Item[]): Expected {
  const comma = all.findLastIndex((item) => item.text === ",");
  const items = all.slice(comma + 1);
  const last = items.at(-1);
  const nth = all.filter((item) => item.text === ",").length;
  if (name === "with") {
    if (!last) return { kind: "hint" };
    if (last.type === "compare") return { kind: "hint value", hint: items[0]!.text };
    return items.length > 2 ? { kind: "closing", more: true } : { kind: "operator", field: "with" };
  }
  if (/^(topk|bottomk)$/.test(name))
    return last ? { kind: "closing", more: false } : { kind: "number", of: name };
  if (name === "compare") {
    if (last) return { kind: "closing", more: true };
    return nth === 0 ? { kind: "filter" } : { kind: "number", of: name };
  }
  if (name === "quantile_over_time" && nth > 0)
    return last ? { kind: "closing", more: true } : { kind: "number", of: name };
  if (/^(rate|count_over_time|count|coalesce)$/.test(name)) return { kind: "closing", more: false };
  if (!last || isArithmetic(last)) return { kind: "field", inFilter: false };
  return { kind: "closing", more: /^(by|select|quantile_over_time)$/.test(name) };
}

function inPipeline(all: readonly Item[]): Expected {
  const bar = all.findLastIndex((item) => item.text === "|");
  const items = all.slice(bar + 1);
  const series = all.some((item) => item.type === "call" && METRICS.test(item.text));
  const last = items.at(-1);
  if (!last) return bar < 0 ? { kind: "start" } : { kind: "stage", of: series ? "series" : "spans" };
  const next = (after: After): Expected => ({ kind: "next", after });
  switch (last.type) {
    case "filter":
      return next("spanset");
    case "group":
      return next(series ? "series" : "spanset");
    case "call":
      return afterCall(last.text, series);
    case "relation":
    case "logic":
      return { kind: "filter" };
    case "compare": {
      const before = items.at(-2);
      if (before?.type === "filter" || before?.type === "group") return { kind: "filter" };
      return { kind: "number", of: before?.text ?? "" };
    }
    default:
      // A number that something was compared with ends the stage; a name wants its parentheses.
      if (items.at(-2)?.type === "compare") return next(series ? "end" : "stage");
      return { kind: "nothing" };
  }
}

function afterCall(name: string, series: boolean): Expected {
  if (name === "with") return { kind: "nothing" };
  if (AGGREGATE.test(name)) return { kind: "next", after: "number" };
  if (METRICS.test(name) && name !== "compare") return { kind: "next", after: "metrics" };
  return { kind: "next", after: series ? "series" : "stage" };
}
