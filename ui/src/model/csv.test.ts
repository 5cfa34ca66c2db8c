import { describe, expect, it } from "vitest";
import type { TraceSummary } from "../api/types";
import { csv, seriesTable, spansTable, tracesTable } from "./csv";

const text = (stringValue: string) => ({ stringValue });
const span = (spanId: string, route?: string) => ({
  spanId,
  service: "cart",
  name: "GET /cart",
  startTimeUnixNano: "1795332684025673300",
  durationNanos: "1500",
  values: [{ name: "span.http.route", value: route === undefined ? null : text(route) }],
});
const trace: TraceSummary = {
  traceId: "aa",
  rootService: "web",
  rootName: 'open "cart", again',
  startTimeUnixNano: "1795332684025673300",
  durationNanos: "2000",
  spanCount: 9,
  errorCount: 1,
  matchedCount: 3,
  services: [
    { name: "web", spanCount: 2, errorCount: 0 },
    { name: "cart", spanCount: 7, errorCount: 1 },
  ],
  spanSets: [{ matchedCount: 3, spans: [span("01", "/cart"), span("02", "/cart"), span("03", "=cmd()")] }],
};

describe("a table as text", () => {
  it("quotes what has to be, and leaves no formula", () => {
    expect(
      csv([
        ["a", 1],
        ['say "x"', "1,5"],
        ["two\nlines", "=1+1"],
        ["-5", "-x"],
      ]),
    ).toBe('a,1\r\n"say ""x""","1,5"\r\n"two\nlines",\'=1+1\r\n-5,\'-x\r\n');
  });

  it("has a row a trace, with the different values of each column", () => {
    expect(csv(tracesTable([trace], ["span.http.route"]))).toBe(
      "start,traceId,rootService,rootName,durationNanos,spanCount,errorCount,matchedCount,services,span.http.route\r\n" +
        '2026-11-22T07:31:24.025673300Z,aa,web,"open ""cart"", again",2000,9,1,3,web cart,/cart; =cmd()\r\n',
    );
  });

  it("has a row a span", () => {
    expect(csv(spansTable([trace], ["span.http.route"])).split("\r\n")).toEqual([
      "start,traceId,spanId,service,name,durationNanos,span.http.route",
      "2026-11-22T07:31:24.025673300Z,aa,01,cart,GET /cart,1500,/cart",
      "2026-11-22T07:31:24.025673300Z,aa,02,cart,GET /cart,1500,/cart",
      "2026-11-22T07:31:24.025673300Z,aa,03,cart,GET /cart,1500,'=cmd()",
      "",
    ]);
  });

  it("has a row an interval of series", () => {
    const result = {
      startTimeUnixNano: "1795332600000000000",
      stepNanos: "30000000000",
      share: 1,
      stats: {} as never,
      series: [
        { labels: [{ name: "resource.service.name", value: text("cart") }], points: [1, null] },
        { labels: [], points: [0.5, 2] },
      ],
    };
    expect(csv(seriesTable(result, "all"))).toBe(
      "time,cart,all\r\n2026-11-22T07:30:00.000000000Z,1,0.5\r\n2026-11-22T07:30:30.000000000Z,,2\r\n",
    );
  });
});
