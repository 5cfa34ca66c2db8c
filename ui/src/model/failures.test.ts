import { expect, test } from "vitest";
import { errorMessage, findErrors } from "./errors";
import { groupFailures } from "./failures";
import { traceFromText } from "./testing";
import { nameOf, serviceOf } from "./trace";

test("alike failures are one group, with the callers that failed because of the first", () => {
  const trace = traceFromText(`
    web order 0-100 error
      shop charge 5-50 error
        bank authorise 10-20 error "busy"
        bank authorise 21-30 error "busy"
      shop mail 60-70
        smtp send 61-62 error "refused"
        smtp send 63-69
  `);
  const said = groupFailures(trace, findErrors(trace)).map((g) => {
    const chain = g.chain.map((r) => ` → ${serviceOf(trace, r)} ${nameOf(trace, r)}`).join("");
    const what = `${g.count} × ${nameOf(trace, g.origin)}: ${errorMessage(trace, g.origin)}${chain}`;
    return g.recovered ? `${what}, recovered` : what;
  });
  expect(said).toEqual([
    "2 × authorise: busy → shop charge → web order",
    "1 × send: refused → web order, recovered",
  ]);
});
