import { describe, expect, it, test } from "vitest";
import { conditionsOf, type Failed, faultsOf, templateOf } from "./faults";

describe("a message without what differs from time to time", () => {
  it.each([
    ["card 4711 declined", "card {n} declined"],
    ["timeout after 1,500.25 ms", "timeout after {n} ms"],
    ["waited 30s of 1m30s", "waited {n} of {n}"],
    ["order 0f8fad5b-d9cb-469f-a165-70867728950e not found", "order {id} not found"],
    ["order a3f09b12-77de not found", "order {id} not found"],
    ["trace 4bf92f3577b34da6a3ce929d0e0e4736 is gone", "trace {id} is gone"],
    ["token sk_live_51H8xYzAbCdEfGh refused", "token {id} refused"],
    ["dial tcp 10.0.3.17:5432: connection refused", "dial tcp {address}: connection refused"],
    ["no account for jane.doe@example.co.uk", "no account for {address}"],
    ["expired at 2026-11-22T04:35:52.120Z", "expired at {time}"],
    ['unknown field "colour" in `order`', "unknown field {value} in {value}"],
    ["can't find 'x' in the card's list", "can't find {value} in the card's list"],
    ["at 0xc000123abc", "at {id}"],
    [
      "the decade and the facade stay, so do utf8 and sha256",
      "the decade and the facade stay, so do utf8 and sha256",
    ],
    ["first line\n  at main.go:12", "first line"],
    ["", ""],
  ])("%j", (message, template) => {
    expect(templateOf(message)).toBe(template);
  });
});

/** A failed span at a second, with values of fields. */
const failed = (second: number, name: string, values: Record<string, string>): Failed => ({
  traceId: `trace${second}`,
  span: {
    spanId: `span${second}`,
    service: "payment",
    name,
    startTimeUnixNano: `${second}000000000`,
    durationNanos: "1",
    values: Object.entries(values).map(([key, stringValue]) => ({ name: key, value: { stringValue } })),
  },
});

const SPANS = [
  failed(30, "POST /charges", {
    "event.exception.type": "CardError",
    "event.exception.message": "card 17 declined",
  }),
  failed(10, "POST /charges", {
    "event.exception.type": "CardError",
    "event.exception.message": "card 4 declined",
  }),
  failed(20, "charge", { "event.exception.type": "CardError", statusMessage: "card 99 declined" }),
  failed(40, "GET /rates", { kind: "client", "span.http.response.status_code": "503" }),
  failed(50, "GET /banks", { kind: "client", "span.http.response.status_code": "503" }),
];

test("spans that failed the same way are one fault, those without a message by what they did", () => {
  const told = faultsOf(SPANS).map(
    (f) =>
      `${f.count} × ${f.type}: ${f.template || "–"} (${f.operations.join(", ")}) ${f.first / 1000}–${f.last / 1000} s, ${f.spanId}`,
  );
  expect(told).toEqual([
    "3 × CardError: card {n} declined (POST /charges, charge) 10–30 s, span30",
    "1 × HTTP 503: – (GET /banks) 50–50 s, span50",
    "1 × HTTP 503: – (GET /rates) 40–40 s, span40",
  ]);
});

test("a failure is counted once, where it began, and what failed with it is named", () => {
  const base64 = (hex: string) =>
    btoa(String.fromCharCode(...hex.match(/../g)!.map((b) => Number.parseInt(b, 16))));
  const below = (parent: string, { traceId, span }: Failed, spanId: string, trace = traceId): Failed => ({
    traceId: trace,
    span: {
      ...span,
      spanId,
      values: [...span.values, { name: "span:parentID", value: { bytesValue: base64(parent) } }],
    },
  });
  const server = below(
    "ff",
    failed(1, "POST /checkout", { "span.http.response.status_code": "500" }),
    "0a01",
  );
  const work = below("0a01", failed(2, "price order", { statusMessage: "no rate for ATS" }), "0a02");
  const call = below("0a02", failed(3, "GET /convert", { "span.http.response.status_code": "404" }), "0a03");
  const again = below("0a02", failed(4, "GET /convert", { "span.http.response.status_code": "404" }), "0a04");
  const other = below("0a03", failed(5, "GET /banks", {}), "0b01", "another trace");
  const faults = faultsOf(
    [server, work, call, again, other].map((f) => ({ ...f, traceId: f === other ? "b" : "a" })),
  );
  expect(
    faults.map(
      (f) => `${f.count} × ${f.type}: ${f.template} (${f.operations}) above: ${f.above}; ${f.spanId}`,
    ),
  ).toEqual([
    "2 × HTTP 404: no rate for ATS (GET /convert) above: price order,POST /checkout; 0a04",
    "1 × :  (GET /banks) above: ; 0b01",
  ]);
  // The message is another span's: asking the call for it would find nothing.
  expect(conditionsOf(faults[0]!)).toEqual(["status = error", 'name = "GET /convert"']);
});

test("a fault is searched for by the fixed parts of its message", () => {
  const [card, banks] = faultsOf(SPANS);
  expect(conditionsOf(card!)).toEqual([
    "status = error",
    '(statusMessage =~ "card .* declined" || event.exception.message =~ "card .* declined")',
  ]);
  expect(conditionsOf(banks!)).toEqual([
    "status = error",
    'name = "GET /banks"',
    "span.http.response.status_code = 503",
  ]);
  const [fixed] = faultsOf([failed(1, "x", { statusMessage: "no (more) stock" })]);
  expect(conditionsOf(fixed!).at(-1)).toBe(
    '(statusMessage = "no (more) stock" || event.exception.message = "no (more) stock")',
  );
  const [lines] = faultsOf([failed(1, "x", { statusMessage: "panic: a[3]\n at x" })]);
  expect(conditionsOf(lines!).at(-1)).toContain('"panic: a\\\\[.*\\\\](?s:.*)"');
});
