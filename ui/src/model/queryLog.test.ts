import { describe, expect, it } from "vitest";
import type { LoggedQuery } from "../api/types";
import { matchingQueries, timesOf, traceQLOf } from "./queryLog";

describe("the query log", () => {
  it.each([
    ["q={ status = error }", "{ status = error }"],
    [
      "end=1795323322000000000 q={ a = ? } | rate() by (name) start=1795319640000000000 step=120000ms",
      "{ a = ? } | rate() by (name)",
    ],
    ["limit=20 q={ .a = ? && .b = ? }", "{ .a = ? && .b = ? }"],
    ["start=1795320558000000000", undefined],
    ["q=", undefined],
    ["", undefined],
  ])("%s asks %s", (text, query) => expect(traceQLOf(text)).toBe(query));

  it("knows from when to when", () => {
    expect(timesOf("end=1795323322000000000 q={} start=1795319640000000000")).toEqual({
      from: 1795319640000,
      to: 1795323322000,
    });
    expect(timesOf("q={} start=1795319640000000000")).toBeUndefined();
  });

  it("is filtered by any text", () => {
    const of = (text: string, route: string) => ({
      text,
      route,
      class: "filter",
      client: "::1",
      status: "200",
    });
    const all = [of("q={}", "/api/search"), of("service=Cart", "/api/traces")] as LoggedQuery[];
    expect(matchingQueries(all, "cart ")).toEqual([all[1]]);
    expect(matchingQueries(all, "SEARCH")).toEqual([all[0]]);
    expect(matchingQueries(all, "")).toEqual(all);
  });
});
