// What can be completed at the cursor of a query.

import { type Token, tokenize } from "./query";

export type Place =
  /** A field's name is expected. */
  | { kind: "field"; from: number; to: number; prefix: string }
  /** An operator is expected after a field. */
  | { kind: "operator"; from: number; to: number; prefix: string }
  /** A value of `field` is expected; prefix is without the opening quote. */
  | { kind: "value"; field: string; from: number; to: number; prefix: string }
  /** `&&`, `||` or `}` is expected. */
  | { kind: "logic"; from: number; to: number; prefix: string };

/** The place of the cursor; [from, to) is what a chosen completion replaces. */
export function placeAt(query: string, cursor: number): Place {
  const tokens = tokenize(query);
  const at = tokens.findIndex((t) => t.at < cursor && cursor <= t.at + t.text.length);
  const token: Token | undefined = tokens[at];
  const editing = token && (token.type === "word" || token.type === "string") ? token : undefined;
  const before = tokens.slice(0, editing ? at : at + 1).filter((t) => t.type !== "space");
  const last = before.at(-1);
  const from = editing?.at ?? cursor;
  const to = editing ? editing.at + editing.text.length : cursor;
  const typed = editing ? query.slice(editing.at, cursor) : "";
  if (last?.type === "compare") {
    const field = before.at(-2)?.text ?? "";
    return { kind: "value", field, from, to, prefix: typed.replace(/^["`]/, "").replace(/["`]$/, "") };
  }
  if (last?.type === "word" && before.at(-2)?.type !== "compare")
    return { kind: "operator", from, to, prefix: typed };
  if (last?.type === "word" || last?.type === "string" || last?.text === "}" || last?.text === ")") {
    return { kind: "logic", from, to, prefix: typed };
  }
  return { kind: "field", from, to, prefix: typed };
}

/** Intrinsic fields and what they are compared with. */
export const INTRINSICS = ["name", "duration", "status", "kind", "statusMessage"] as const;
const NUMERIC = ["=", "!=", ">", ">=", "<", "<="];
const TEXT = ["=", "!=", "=~", "!~"];

/** The operators that make sense for a field. */
export function operatorsOf(field: string): readonly string[] {
  if (field === "duration") return [">", ">=", "<", "<=", "=", "!="];
  if (field === "status" || field === "kind") return ["=", "!="];
  if (field === "name" || field === "statusMessage" || field === "resource.service.name") return TEXT;
  return [...TEXT, ...NUMERIC.slice(2)];
}
