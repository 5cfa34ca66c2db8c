import { describe, expect, it } from "vitest";
import {
  EMPTY_FORM,
  fieldName,
  formFrom,
  indexOfByte,
  literalFrom,
  parseClauses,
  printClauses,
  queryFrom,
  tokenize,
  typedFrom,
  withClause,
} from "./query";

describe("tokenize", () => {
  it.each([
    "",
    '{ resource.service.name = "check out" && duration>=1.5s }',
    "{ !(span.a =~ `x.*`) || .b != nil }",
    '{ span."a b" = "unfinished',
    "{ = = } && | & \u{1F600}",
  ])("loses nothing of %s", (query) => {
    expect(
      tokenize(query)
        .map((t) => t.text)
        .join(""),
    ).toBe(query);
  });

  it("keeps a quoted part of a name together", () => {
    expect(tokenize('{span."a b"="c"}').map((t) => t.type)).toEqual([
      "bracket",
      "word",
      "compare",
      "string",
      "bracket",
    ]);
  });
});

describe("clauses", () => {
  it("are read from plain conjunctions", () => {
    expect(parseClauses('{ name = "a" && duration > 5ms }')).toEqual([
      { field: "name", op: "=", literal: '"a"' },
      { field: "duration", op: ">", literal: "5ms" },
    ]);
    expect(parseClauses("{}")).toEqual([]);
    expect(parseClauses(" ")).toEqual([]);
  });

  it.each([
    "{ a = 1 || b = 2 }",
    "{ (a = 1) }",
    "{ !a = 1 }",
    "{ a = 1 && }",
    "{ a = 1 b = 2 }",
    "{ a }",
    "a = 1",
    "{ a = 1 } | count() > 2",
  ])("are not made of %s", (query) => {
    expect(parseClauses(query)).toBeUndefined();
  });

  it("print as they were", () => {
    const query = '{ resource.service.name = "shop" && span.http.route =~ "/cart.*" && duration >= 100ms }';
    expect(printClauses(parseClauses(query)!)).toBe(query);
  });

  it("join any query", () => {
    const more = { field: "status", op: "=", literal: "error" };
    expect(withClause("", more)).toBe("{ status = error }");
    expect(withClause("{ status = ok }", more)).toBe("{ status = error }");
    expect(withClause("{ a = 1 || b = 2 }", more)).toBe("{ (a = 1 || b = 2) && status = error }");
  });
});

describe("literals", () => {
  it.each([
    ["checkout", '"checkout"'],
    ["200", "200"],
    ["1.5s", "1.5s"],
    ["true", "true"],
    ['"200"', '"200"'],
    ['say "hi"', '"say \\"hi\\""'],
  ])("typed %s means %s and back", (typed, literal) => {
    expect(literalFrom(typed)).toBe(literal);
    expect(typedFrom(literal)).toBe(typed);
  });
});

describe("form", () => {
  it("writes the query and reads it back", () => {
    const form = {
      ...EMPTY_FORM,
      service: "check out",
      operation: "GET /",
      status: "error",
      kind: "server",
      least: "100ms",
      most: "2s",
      rows: [
        { field: "span.http.response.status_code", op: ">=", value: "500" },
        { field: "span.http.route", op: "=~", value: "/cart/.*" },
        { field: 'span."odd key"', op: "!=", value: '"7"' },
      ],
    };
    const query = queryFrom(form);
    expect(query).toBe(
      '{ resource.service.name = "check out" && name = "GET /" && status = error && kind = server' +
        " && duration >= 100ms && duration <= 2s && span.http.response.status_code >= 500" +
        ' && span.http.route =~ "/cart/.*" && span."odd key" != "7" }',
    );
    expect(formFrom(query)).toEqual(form);
  });

  it("quotes names that look like numbers, and skips rows that are being written", () => {
    const rows = [{ field: "span.a", op: "=", value: "" }];
    expect(queryFrom({ ...EMPTY_FORM, service: "42", rows })).toBe('{ resource.service.name = "42" }');
    expect(queryFrom(EMPTY_FORM)).toBe("{}");
  });

  it("keeps what has no field of its own as a row", () => {
    expect(formFrom("{ duration > 5ms && status != ok }")?.rows).toEqual([
      { field: "duration", op: ">", value: "5ms" },
      { field: "status", op: "!=", value: "ok" },
    ]);
  });
});

it("names attributes, quoting where it must", () => {
  expect(fieldName("span", "http.route")).toBe("span.http.route");
  expect(fieldName("resource", "a b")).toBe('resource."a b"');
});

it("turns byte offsets into positions of the text", () => {
  const query = '{ name = "軌跡 😀" && x }';
  const byte = new TextEncoder().encode(query.slice(0, query.indexOf("x"))).length;
  expect(indexOfByte(query, byte)).toBe(query.indexOf("x"));
  expect(indexOfByte(query, 10_000)).toBe(query.length);
});
