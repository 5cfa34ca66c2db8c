// What the query line offers at a place of a query, and what a choice writes there.

import type { AttributeKey, FieldValue, Word } from "../api/types";
import type { After, Place } from "./complete";
import { fieldName, literalFrom } from "./query";

export interface Offer {
  /** What is shown. */
  readonly value: string;
  /** What is written, and whether more is likely to follow. */
  readonly insert: string;
  readonly goesOn: boolean;
  /** Of how many spans, or what it means. */
  readonly count?: number | undefined;
  readonly means?: string | undefined;
}

/** What offers are made of: the server's words, keys and values, and what words mean. */
export interface Lexicon {
  readonly words: readonly Word[];
  readonly keys: readonly AttributeKey[];
  readonly values: readonly FieldValue[];
  readonly means: (word: string) => string | undefined;
}

const NUMBERS = ["=", "!=", ">", ">=", "<", "<="];
const SIZES = [">", ">=", "<", "<=", "=", "!="];
const TEXTS = ["=", "!=", "=~", "!~"];
const DURATIONS = ["10ms", "100ms", "500ms", "1s", "5s"];

const takes = (field: string, words: readonly Word[]) =>
  words.find((w) => w.kind === "intrinsic" && w.name === field)?.takes;

/** The operators that make sense for a field. */
export function operatorsOf(field: string, words: readonly Word[]): readonly string[] {
  switch (takes(field, words)) {
    case "duration":
    case "int":
      return SIZES;
    case "status":
    case "kind":
    case "id":
      return ["=", "!="];
    case "string":
      return TEXTS;
    default:
      return field === "resource.service.name" ? TEXTS : [...TEXTS, ...NUMBERS.slice(2)];
  }
}

/** The field whose values the server can list for a field; "" where there are too many or they are known anyway. */
export function listedField(field: string, words: readonly Word[]): string {
  if (field === "rootName") return "name";
  if (field === "rootServiceName") return "resource.service.name";
  return field === "name" ||
    field === "statusMessage" ||
    (takes(field, words) === undefined && field.includes("."))
    ? field
    : "";
}

/** The offers at a place; `rest` is the query after it. */
export function offersAt(place: Place, lexicon: Lexicon, rest: string): Offer[] {
  const { words, means } = lexicon;
  const plain = (value: string, insert = `${value} `): Offer => ({
    value,
    insert,
    goesOn: true,
    means: means(value),
  });
  const closing = (value: string) => (rest.trimStart().startsWith(value) ? [] : [end(value, means)]);
  switch (place.kind) {
    case "start":
      return [plain("{"), ...fields(lexicon, "{ "), ...stages(lexicon)];
    case "stage":
      return place.of === "series" ? functions(lexicon, "series") : [...stages(lexicon), plain("{")];
    case "next":
      return follows(place.after, lexicon);
    case "filter":
      return [plain("{")];
    case "field":
      return fields(lexicon, "");
    case "operator":
      return (place.field === "with" ? ["="] : operatorsOf(place.field, words)).map((op) => plain(op));
    case "value":
      return valuesOf(place.field, lexicon);
    case "logic":
      return [plain("&&"), plain("||"), ...closing(place.close)];
    case "number":
      return numbersOf(place.of).map((n) => plain(n));
    case "closing":
      return [...closing(")"), ...(place.more ? [plain(",", ", ")] : [])];
    case "hint":
      return words.filter((w) => w.kind === "hint").map((w) => plain(w.name, `${w.name} = `));
    case "hint value":
      return hintValues(words.find((w) => w.name === place.hint)?.takes).map((v) => plain(v));
    case "nothing":
      return [];
  }
}

const end = (value: string, means: Lexicon["means"]): Offer => ({
  value,
  insert: value === ")" ? ") " : value,
  goesOn: value === ")",
  means: means(value),
});

function follows(after: After, lexicon: Lexicon): Offer[] {
  const { words, means } = lexicon;
  const plain = (value: string, insert = `${value} `) => ({
    value,
    insert,
    goesOn: true,
    means: means(value),
  });
  const bar = plain("|");
  const hints = { ...plain("with", "with ("), value: "with (…)" };
  const compared = NUMBERS.slice(2).map((op) => plain(op));
  switch (after) {
    case "spanset":
      return [
        bar,
        plain("&&"),
        plain("||"),
        ...words.filter((w) => w.kind === "relation").map((w) => plain(w.name)),
        hints,
      ];
    case "stage":
      return [bar, hints];
    case "number":
      return SIZES.map((op) => ({ ...plain(op), means: undefined }));
    case "metrics":
      return [{ ...plain("by", "by ("), value: "by (…)" }, bar, ...noted(compared), hints];
    case "series":
      return [bar, ...noted(compared), hints];
    case "end":
      return [hints];
  }
}

/** Operators that mean another thing between spansets than between numbers. */
const noted = (offers: Offer[]) => offers.map((offer) => ({ ...offer, means: undefined }));

function functions({ words, means }: Lexicon, ...kinds: Word["kind"][]): Offer[] {
  return kinds
    .flatMap((kind) => words.filter((w) => w.kind === kind))
    .map(({ name, takes }) => ({
      value: takes ? `${name}(…)` : `${name}()`,
      insert: takes ? `${name}(` : `${name}() `,
      goesOn: true,
      means: means(name),
    }));
}

const stages = (lexicon: Lexicon) => functions(lexicon, "aggregate", "stage", "metrics");

function fields({ words, keys, means }: Lexicon, opened: string): Offer[] {
  const field = (value: string) => ({ value, insert: `${opened}${value} `, goesOn: true });
  return [
    ...words.filter((w) => w.kind === "intrinsic").map((w) => ({ ...field(w.name), means: means(w.name) })),
    ...keys
      .toSorted((a, b) => b.spanCount - a.spanCount)
      .map((k) => ({ ...field(fieldName(k.scope, k.key)), count: k.spanCount })),
  ];
}

function valuesOf(field: string, { words, values }: Lexicon): Offer[] {
  const word = words.find((w) => w.kind === "intrinsic" && w.name === field);
  const bare = word?.values ?? (word?.takes === "duration" ? DURATIONS : undefined);
  if (bare) return bare.map((value) => ({ value, insert: `${value} `, goesOn: true }));
  // Names are always strings; what an attribute's value is, its look tells.
  const isText = word !== undefined || field.endsWith("service.name");
  return values.map(({ value, spanCount }) => ({
    value,
    insert: `${isText ? JSON.stringify(value) : literalFrom(value)} `,
    goesOn: true,
    count: spanCount,
  }));
}

function numbersOf(name: string): readonly string[] {
  if (name === "topk" || name === "bottomk" || name === "compare") return ["5", "10", "20"];
  if (name === "quantile_over_time") return [".5", ".9", ".95", ".99"];
  if (/^(avg|min|max|sum)$/.test(name)) return DURATIONS;
  return ["1", "2", "10", "100"];
}

function hintValues(takes: string | undefined): readonly string[] {
  if (takes === "bool") return ["true", "false"];
  return takes === "share" ? ["0.1", "0.01"] : ["1", "10", "100"];
}

/** The query with an offer taken, and where its cursor is then. */
export function taken(query: string, place: Place, offer: Offer): { query: string; cursor: number } {
  const before = query.slice(0, place.from);
  const rest = query.slice(place.to).replace(/^\s+/, "");
  const apart = /^[\s({]?$/.test(before.slice(-1)) || /^[),]/.test(offer.insert) || place.kind === "closing";
  let insert = offer.insert;
  // Parentheses that are there already stay.
  if (rest.startsWith("(")) insert = insert.replace(/\((\) )?$/, "");
  // What closes a bracket stands close to it, but for braces.
  if (/^[),]/.test(insert) && /\s$/.test(before)) {
    const close = before.trimEnd();
    return { query: close + insert + rest, cursor: close.length + insert.length };
  }
  const written = `${before}${apart ? "" : " "}${insert}`;
  return { query: written + rest, cursor: written.length };
}
