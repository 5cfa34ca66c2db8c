// Spans of a test's own, sent to the kiseki under test as OTLP.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { api } from "./browser.mjs";

export const newTrace = () => randomBytes(16).toString("hex");
export const newSpan = () => randomBytes(8).toString("hex");

/** The kinds of spans as OTLP numbers them. */
export const KIND = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };

const attributesOf = (values) =>
  Object.entries(values).map(([key, stringValue]) => ({ key, value: { stringValue } }));

/**
 * Sends spans of a service: `at` is the start in Unix milliseconds, `ms` the duration; `error` is the message of one
 * that failed, `links` are of spans of other traces. Ids are made up where they are not given.
 */
export async function send(service, spans) {
  const { endpoints } = await api("/status");
  const nanos = (millis) => `${BigInt(Math.round(millis * 1000)) * 1000n}`;
  const scopeSpans = [
    {
      spans: spans.map(
        ({
          trace = newTrace(),
          id = newSpan(),
          parent,
          name,
          kind,
          at,
          ms,
          error,
          links,
          attributes = {},
        }) => ({
          traceId: trace,
          spanId: id,
          ...(parent ? { parentSpanId: parent } : {}),
          name,
          kind,
          startTimeUnixNano: nanos(at),
          endTimeUnixNano: nanos(at + ms),
          attributes: attributesOf(attributes),
          ...(error === undefined ? {} : { status: { code: 2, message: error } }),
          ...(links ? { links } : {}),
        }),
      ),
    },
  ];
  const response = await fetch(`${endpoints.otlpHttp}/v1/traces`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      resourceSpans: [{ resource: { attributes: attributesOf({ "service.name": service }) }, scopeSpans }],
    }),
  });
  assert.equal(response.status, 200, await response.text());
}
