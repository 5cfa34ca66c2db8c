// A query as stages between bars: `{ … } | count() > 2 | select(…)`. Like the rest of the model it only looks at
// tokens; the server decides what is valid.

import { type Clause, parseClauses, tokenize, withClause } from "./query";

const METRICS = /^(rate|compare|\w+_over_time)$/;

/** Whether a query gives numbers over time instead of traces. */
export function isMetrics(query: string): boolean {
  const tokens = tokenize(query).filter((t) => t.type !== "space");
  return tokens.some((t, i) => t.type === "word" && METRICS.test(t.text) && tokens[i + 1]?.text === "(");
}

/** The stages of a query, without the bars between them. */
export function stagesOf(query: string): string[] {
  const stages: string[] = [];
  let depth = 0;
  let from = 0;
  for (const token of tokenize(query)) {
    if (/^[({]$/.test(token.text)) depth++;
    else if (/^[)}]$/.test(token.text)) depth--;
    else if (token.text === "|" && depth === 0) {
      stages.push(query.slice(from, token.at).trim());
      from = token.at + 1;
    }
  }
  stages.push(query.slice(from).trim());
  return stages;
}

/** Whether a stage is one pair of braces. */
const isFilter = (stage: string) =>
  stage.startsWith("{") && tokenize(stage).filter((t) => t.text === "{").length === 1 && stage.endsWith("}");

/**
 * The query that selects, of what this one does, the spans that satisfy more. What the query selects is narrowed
 * before it is counted, so that a number over time stays one.
 */
export function narrowed(query: string, clauses: readonly Clause[]): string {
  const [first = "", ...rest] = stagesOf(query);
  if (first === "" || parseClauses(first) || isFilter(first)) {
    return [clauses.reduce(withClause, first), ...rest].join(" | ");
  }
  const filter = `{ ${clauses.map((c) => `${c.field} ${c.op} ${c.literal}`).join(" && ")} }`;
  return [first, filter, ...rest].join(" | ");
}

/** The query with the fields told of each span that it selects; one that names its fields keeps them. */
export function selecting(query: string, fields: readonly string[]): string {
  return fields.length === 0 ? query : `${query.trim() || "{}"} | select(${fields.join(", ")})`;
}
