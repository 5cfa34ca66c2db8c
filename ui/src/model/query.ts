// The part of TraceQL that the form and the completion need: tokens, and conjunctions of comparisons.
// The server parses queries; nothing here decides whether one is valid.

import type { Scope } from "../api/types";

export type TokenType = "space" | "bracket" | "relation" | "logic" | "compare" | "string" | "word" | "other";

export interface Token {
  readonly type: TokenType;
  readonly text: string;
  readonly at: number;
}

const PATTERN =
  /(\s+)|([{}()])|([!&]?(?:>>|<<)|[!&][<>](?!=)|&~|~)|(&&|\|\||!(?![=~]))|(=~|!~|!=|<=|>=|[=<>])|("(?:[^"\\]|\\.)*"?|`[^`]*`?)|((?:(?<=\.)"(?:[^"\\]|\\.)*"|[^\s"`&|=<>!(){},~])+)|(.)/gsy;
const TYPES: readonly TokenType[] = [
  "space",
  "bracket",
  "relation",
  "logic",
  "compare",
  "string",
  "word",
  "other",
];

/** Splits a query; joined, the tokens' texts are the query. */
export function tokenize(query: string): Token[] {
  const tokens: Token[] = [];
  for (const match of query.matchAll(PATTERN)) {
    const group = match.slice(1).findIndex((text) => text !== undefined);
    tokens.push({ type: TYPES[group]!, text: match[0], at: match.index });
  }
  return tokens;
}

/** One comparison; `literal` is as the query writes it. */
export interface Clause {
  readonly field: string;
  readonly op: string;
  readonly literal: string;
}

/** The comparisons of `{ a && b && c }`; undefined where the query is anything else. Empty means all traces. */
export function parseClauses(query: string): Clause[] | undefined {
  const tokens = tokenize(query).filter((t) => t.type !== "space");
  if (tokens.length === 0) return [];
  if (tokens[0]!.text !== "{" || tokens.at(-1)!.text !== "}") return undefined;
  const inner = tokens.slice(1, -1);
  const clauses: Clause[] = [];
  for (let i = 0; i < inner.length; i += 4) {
    const [field, op, literal, and] = inner.slice(i, i + 4);
    if (field?.type !== "word" || op?.type !== "compare") return undefined;
    if (literal?.type !== "word" && literal?.type !== "string") return undefined;
    if (and ? and.text !== "&&" || i + 4 === inner.length : i + 3 !== inner.length) return undefined;
    clauses.push({ field: field.text, op: op.text, literal: literal.text });
  }
  return clauses;
}

/** Writes the query of comparisons. */
export function printClauses(clauses: readonly Clause[]): string {
  if (clauses.length === 0) return "{}";
  return `{ ${clauses.map((c) => `${c.field} ${c.op} ${c.literal}`).join(" && ")} }`;
}

const BARE = /^(-?\d+(\.\d+)?((ns|us|µs|ms|s|m|h)[\d.a-zµ]*)?|true|false|nil)$/;

/** The literal of what a person typed: numbers, durations, true, false and nil bare, all else quoted. */
export function literalFrom(typed: string): string {
  const text = typed.trim();
  if (/^(".*"|`.*`)$/s.test(text) && text.length > 1) return text;
  return BARE.test(text) ? text : JSON.stringify(text);
}

/** What a person sees of a literal: without quotes unless it would be read as something else. */
export function typedFrom(literal: string): string {
  if (!/^".*"$/s.test(literal)) return literal;
  try {
    const text = String(JSON.parse(literal));
    return literalFrom(text) === literal ? text : literal;
  } catch {
    return literal;
  }
}

/** The query's name of an attribute. */
export function fieldName(scope: Scope, key: string): string {
  return /^[A-Za-z_][\w.\-/]*$/.test(key) ? `${scope}.${key}` : `${scope}.${JSON.stringify(key)}`;
}

/** What the form shows. Every text is as typed; rows with an empty field are being written. */
export interface Form {
  service: string;
  operation: string;
  status: string;
  kind: string;
  least: string;
  most: string;
  rows: { field: string; op: string; value: string }[];
}

export const EMPTY_FORM: Form = {
  service: "",
  operation: "",
  status: "",
  kind: "",
  least: "",
  most: "",
  rows: [],
};

const SLOTS: readonly [field: string, ops: readonly string[], slot: Exclude<keyof Form, "rows">][] = [
  ["resource.service.name", ["="], "service"],
  ["name", ["="], "operation"],
  ["status", ["="], "status"],
  ["kind", ["="], "kind"],
  ["duration", [">=", ">"], "least"],
  ["duration", ["<=", "<"], "most"],
];

/** The form of a query; undefined where the form cannot show it. */
export function formFrom(query: string): Form | undefined {
  const clauses = parseClauses(query);
  if (!clauses) return undefined;
  const form: Form = { ...EMPTY_FORM, rows: [] };
  for (const clause of clauses) {
    const slot = SLOTS.find(
      ([field, ops, s]) => field === clause.field && ops[0] === clause.op && form[s] === "",
    )?.[2];
    if (slot) form[slot] = typedFrom(clause.literal);
    else form.rows.push({ field: clause.field, op: clause.op, value: typedFrom(clause.literal) });
  }
  return form;
}

/** The query that a form writes. */
export function queryFrom(form: Form): string {
  const clauses: Clause[] = [];
  for (const [field, ops, slot] of SLOTS) {
    const typed = form[slot].trim();
    if (typed === "") continue;
    const bare = slot === "status" || slot === "kind" || slot === "least" || slot === "most";
    clauses.push({ field, op: ops[0]!, literal: bare ? typed.replace(/\s+/g, "") : quoted(typed) });
  }
  for (const { field, op, value } of form.rows) {
    if (field.trim() === "" || value.trim() === "") continue;
    const keyword = field === "status" || field === "kind";
    clauses.push({
      field: field.trim(),
      op,
      literal: keyword ? value.trim() : op.includes("~") ? quoted(value) : literalFrom(value),
    });
  }
  return printClauses(clauses);
}

const quoted = (typed: string): string => {
  const literal = literalFrom(typed);
  return /^["`]/.test(literal) ? literal : JSON.stringify(typed);
};

/** The query with one more comparison, replacing others of the same field and operator where it is simple. */
export function withClause(query: string, clause: Clause): string {
  const clauses = parseClauses(query);
  if (clauses) {
    return printClauses([...clauses.filter((c) => c.field !== clause.field || c.op !== clause.op), clause]);
  }
  const inner = query.trim().replace(/^\{/, "").replace(/\}$/, "").trim();
  return `{ (${inner}) && ${clause.field} ${clause.op} ${clause.literal} }`;
}

/** Turns a byte offset, as the server counts, into an index of the text. */
export function indexOfByte(text: string, byte: number): number {
  let bytes = 0;
  let index = 0;
  for (const char of text) {
    if (bytes >= byte) break;
    const code = char.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    index += char.length;
  }
  return index;
}
