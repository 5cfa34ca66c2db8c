import { describe, expect, it } from "vitest";
import { traceIdIn, traceIdOf, xrayIdOf } from "./traceId";

describe("a trace ID", () => {
  const id = "0123456789abcdef0123456789ABCDEF";
  const lower = id.toLowerCase();

  it("is found in what was pasted", () => {
    expect(traceIdIn(` ${id} `)).toBe(lower);
    expect(traceIdIn(`https://kiseki.example/trace/${id}?view=flame&span=0123456789abcdef`)).toBe(lower);
    expect(traceIdIn("0123456789abcdef")).toBe("0123456789abcdef");
    expect(traceIdIn(`${id}0`)).toBe("");
    expect(traceIdIn("charge")).toBe("");
  });

  it("may be as X-Ray writes it", () => {
    expect(traceIdIn("1-01234567-89abcdef0123456789ABCDEF")).toBe(lower);
    expect(
      traceIdIn(
        "X-Amzn-Trace-Id: Root=1-01234567-89abcdef0123456789abcdef;Parent=53995c3f42cd8ad8;Sampled=1",
      ),
    ).toBe(lower);
    expect(traceIdIn("1-01234567-89abcdef0123456789abcde")).toBe("");
  });

  it("is written as X-Ray does", () => {
    expect(xrayIdOf(lower)).toBe("1-01234567-89abcdef0123456789abcdef");
  });

  it("is a whole text", () => {
    expect(traceIdOf(id)).toBe(lower);
    expect(traceIdOf("1-01234567-89abcdef0123456789abcdef")).toBe(lower);
    expect(traceIdOf("0123456789abcdef")).toBe("0123456789abcdef");
    expect(traceIdOf(`${id}/`)).toBe("");
    expect(traceIdOf("")).toBe("");
  });
});
