import { describe, expect, it } from "vitest";
import type { Word } from "../api/types";
import { placeAt } from "./complete";
import { type Lexicon, offersAt, taken } from "./offers";

/** Some of the server's words. */
const words: Word[] = [
  { name: "name", kind: "intrinsic", takes: "string" },
  { name: "status", kind: "intrinsic", takes: "status", values: ["error", "ok", "unset"] },
  { name: "duration", kind: "intrinsic", takes: "duration" },
  { name: "by", kind: "stage", takes: "fields" },
  { name: "select", kind: "stage", takes: "fields" },
  { name: "coalesce", kind: "stage" },
  { name: "count", kind: "aggregate" },
  { name: "avg", kind: "aggregate", takes: "field" },
  { name: "rate", kind: "metrics" },
  { name: "quantile_over_time", kind: "metrics", takes: "quantiles" },
  { name: "compare", kind: "metrics", takes: "filter" },
  { name: "topk", kind: "series", takes: "int" },
  { name: ">>", kind: "relation" },
  { name: "!~", kind: "relation" },
  { name: "sample", kind: "hint", takes: "share" },
  { name: "most_recent", kind: "hint", takes: "bool" },
];
const lexicon: Lexicon = {
  words,
  keys: [
    { scope: "resource", key: "service.name", types: ["string"], spanCount: 90 },
    { scope: "span", key: "http.route", types: ["string"], spanCount: 40 },
  ],
  values: [
    { value: "cart", spanCount: 7 },
    { value: "42", spanCount: 2 },
  ],
  means: (word) => (word === "rate" ? "spans a second" : undefined),
};
/** A query with a bar of its own where the cursor is. */
const split = (drawn: string) => {
  const cursor = drawn.indexOf("‸");
  const query = drawn.replace("‸", "");
  return { query, cursor, place: placeAt(query, cursor) };
};
const offered = (drawn: string) => {
  const { query, place } = split(drawn);
  return offersAt(place, lexicon, query.slice(place.to))
    .map((offer) => offer.value)
    .filter((value) => value.toLowerCase().includes(place.prefix.toLowerCase()))
    .join("  ");
};
const fields = "name  status  duration  resource.service.name  span.http.route";
const stages = "count()  avg(…)  by(…)  select(…)  coalesce()  rate()  quantile_over_time(…)  compare(…)";
const relations = "|  &&  ||  >>  !~  with (…)";

describe("what is offered", () => {
  it.each([
    // A filter.
    ["‸", `{  ${fields}  ${stages}`],
    ["{ ‸", fields],
    ["{ res‸", "resource.service.name"],
    ["{ resource.service.name ‸", "=  !=  =~  !~"],
    ["{ duration ‸", ">  >=  <  <=  =  !="],
    ["{ span.http.route ‸", "=  !=  =~  !~  >  >=  <  <="],
    ["{ resource.service.name = ‸", "cart  42"],
    ['{ resource.service.name = "ca‸', "cart"],
    ["{ status=er‸", "error"],
    ["{ status = error ‸", "&&  ||  }"],
    ["{ status = error ‸ }", "&&  ||"],
    ["{ (status = error ‸", "&&  ||  )"],
    ["{ status = error && ‸", fields],
    ["{ status = error && du‸ }", "duration"],
    ["{ duration > 2 * ‸", fields],
    // What joins spansets.
    ["{ } ‸", relations],
    ["{ } >> ‸", "{"],
    ["{ } > ‸", "{"],
    ["{ } && ‸", "{"],
    ["({ } | count() > 2) ‸", relations],
    // Stages.
    ["{ } | ‸", `${stages}  {`],
    ["{ } | ra‸", "rate()"],
    ["{ } | ra‸ | topk(3)", "rate()"],
    ["{ } | by(‸", fields],
    ["{ } | by(name ‸", ")  ,"],
    ["{ } | by(name, ‸", fields],
    ["{ } | by(name) ‸", "|  with (…)"],
    ["{ } | select(span.h‸)", "span.http.route"],
    // Numbers of spansets.
    ["{ } | count() ‸", ">  >=  <  <=  =  !="],
    ["{ } | count() > ‸", "1  2  10  100"],
    ["{ } | avg(‸", fields],
    ["{ } | avg(duration) > ‸", "10ms  100ms  500ms  1s  5s"],
    ["{ } | count() > 2 ‸", "|  with (…)"],
    // Series.
    ["{ } | rate() ‸", "by (…)  |  >  >=  <  <=  with (…)"],
    ["{ } | rate() b‸", "by (…)"],
    ["{ } | rate() by (‸", fields],
    ["{ } | rate() by (name) ‸", "|  >  >=  <  <=  with (…)"],
    ["{ } | rate() | ‸", "topk(…)"],
    ["{ } | rate() | topk(‸", "5  10  20"],
    ["{ } | rate() > 5 ‸", "with (…)"],
    ["{ } | quantile_over_time(‸", fields],
    ["{ } | quantile_over_time(duration ‸", ")  ,"],
    ["{ } | quantile_over_time(duration, ‸", ".5  .9  .95  .99"],
    ["{ } | compare(‸", "{"],
    ["{ } | compare({ sta‸", "status"],
    ["{ } | compare({ status = error } ‸", ")  ,"],
    // Hints.
    ["{ } | rate() with (‸", "sample  most_recent"],
    ["{ } | rate() with (sample ‸", "="],
    ["{ } | rate() with (sample = ‸", "0.1  0.01"],
    ["{ } | rate() with (most_recent = ‸", "true  false"],
    ["{ } | rate() with (sample = 0.1) ‸", ""],
  ])("%s", (drawn, expected) => {
    expect(offered(drawn)).toBe(expected);
  });

  it("explains words", () => {
    const { place } = split("{ } | ‸");
    expect(offersAt(place, { ...lexicon, means: (word) => `what ${word} is` }, "")[0]!.means).toBe(
      "what count is",
    );
  });
});

describe("what a choice writes", () => {
  it.each([
    ["‸", "duration", "{ duration ‸"],
    ["du‸", "duration", "{ duration ‸"],
    ["‸", "{", "{ ‸"],
    ["{ du‸ > 5ms }", "duration", "{ duration ‸> 5ms }"],
    ["{ status = er‸ }", "error", "{ status = error ‸}"],
    ['{ resource.service.name = "c‸', "cart", '{ resource.service.name = "cart" ‸'],
    ["{ name = ‸", "42", '{ name = "42" ‸'],
    ["{ span.http.route = ‸", "42", "{ span.http.route = 42 ‸"],
    ["{ status = error ‸", "}", "{ status = error }‸"],
    ["{ }‸", "|", "{ } | ‸"],
    ["{ } | ‸", "rate()", "{ } | rate() ‸"],
    ["{ } | r‸() by (name)", "rate()", "{ } | rate‸() by (name)"],
    ["{ } |‸", "quantile_over_time(…)", "{ } | quantile_over_time(‸"],
    ["{ } | rate() ‸", "by (…)", "{ } | rate() by (‸"],
    ["{ } | by(name ‸", ",", "{ } | by(name, ‸"],
    ["{ } | by(name ‸", ")", "{ } | by(name) ‸"],
    ["{ } | rate() ‸", "with (…)", "{ } | rate() with (‸"],
    ["{ } | rate() with (‸", "sample", "{ } | rate() with (sample = ‸"],
  ])("%s and %s", (drawn, value, expected) => {
    const { query, place } = split(drawn);
    const offer = offersAt(place, lexicon, query.slice(place.to)).find((o) => o.value === value)!;
    const after = taken(query, place, offer);
    expect(`${after.query.slice(0, after.cursor)}‸${after.query.slice(after.cursor)}`).toBe(expected);
  });
});
