import { describe, expect, it } from "vitest";
import { cameByXRay, isRunning } from "./detail";
import { rowNamed, traceFromText } from "./testing";

describe("spans of AWS X-Ray", () => {
  const trace = traceFromText(`
    shop segment 0-0 server aws.xray.origin=AWS::ECS::Container
      shop step 0-10 aws.xray.namespace=local
    other call 0-0 server
  `);

  it("are told from others", () => {
    expect(["segment", "step", "call"].map((name) => cameByXRay(trace, rowNamed(trace, name)))).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("run only if they say so", () => {
    expect(isRunning(trace, rowNamed(trace, "segment"))).toBe(false);
    const { attributes, strings, spans } = trace.columns;
    const at = spans.attrs[trace.source[rowNamed(trace, "segment")]!]!;
    strings.push("aws.xray.inprogress");
    attributes.key[at] = strings.length - 1;
    attributes.value[at] = { boolValue: true };
    expect(isRunning(trace, rowNamed(trace, "segment"))).toBe(true);
  });
});
