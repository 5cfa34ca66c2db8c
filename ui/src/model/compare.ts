// What is compared with what, and the differences as the panel shows them.

import type { Difference } from "../api/analysis";
import type { AnyValue } from "../api/types";
import { queryDuration } from "../base/format";
import { literalOf } from "./detail";
import { narrowed } from "./pipeline";
import { type Clause, parseClauses, printClauses } from "./query";

/** Traces by their start, in Unix milliseconds, and duration, in nanoseconds. */
export interface Region {
  readonly from: number;
  readonly to: number;
  readonly least: number;
  readonly most: number;
}

/** A region as the URL writes it. */
export const printRegion = (r: Region) =>
  [Math.floor(r.from), Math.ceil(r.to), Math.floor(r.least), Math.ceil(r.most)].join("-");

/** Reads a region; undefined where the text is none. */
export function parseRegion(written: string): Region | undefined {
  const match = /^(\d{1,15})-(\d{1,15})-(\d{1,15})-(\d{1,15})$/.exec(written);
  if (!match) return undefined;
  const [from, to, least, most] = match.slice(1).map(Number) as [number, number, number, number];
  return from < to && least < most ? { from, to, least, most } : undefined;
}

/** The query of the traces of a region, but for their start. */
export const inRegion = (query: string, { least, most }: Region) =>
  narrowed(query, [
    { field: "trace:duration", op: ">=", literal: queryDuration(least) },
    { field: "trace:duration", op: "<=", literal: queryDuration(most) },
  ]);

/**
 * Queries whose other spans a query can be compared with, the most telling first: "" is all. What differs from the
 * whole system is mostly what the service is, so its own other spans come first.
 */
export function basesOf(query: string): string[] {
  const clauses = parseClauses(query) ?? [];
  if (clauses.length < 2) return [""];
  const service = clauses.filter((c) => c.field === "resource.service.name");
  const without = clauses.map((c) => printClauses(clauses.filter((other) => other !== c)));
  const own = service.length > 0 && service.length < clauses.length ? [printClauses(service)] : [];
  return [...new Set([...own, "", ...without])];
}

/** The differences of one field. */
export interface FieldDifferences {
  readonly field: string;
  readonly differences: readonly Difference[];
}

/** Differences by field; fields and their values stay in the order of their effect. */
export function byField(differences: readonly Difference[]): FieldDifferences[] {
  const fields = new Map<string, Difference[]>();
  for (const d of differences) {
    const of = fields.get(d.field);
    if (of) of.push(d);
    else fields.set(d.field, [d]);
  }
  return [...fields].map(([field, differences]) => ({ field, differences }));
}

/** Whether a difference is one of numbers rather than of a value's share. */
export const isNumeric = (d: Difference) => d.quantiles !== undefined;

/** The comparison that a value satisfies; undefined for values that the language has no literal for. */
export function clauseOf(
  field: string,
  value: AnyValue | null | undefined,
  op: "=" | "!=",
): Clause | undefined {
  const literal = value ? literalOf(value) : "nil";
  if (literal === undefined) return undefined;
  const keyword = field === "status" || field === "kind";
  return { field, op, literal: keyword ? literal.replaceAll('"', "") : literal };
}
