import { describe, expect, it } from "vitest";
import type { Stretch } from "../api/types";
import { callsAgain, causeChain, failureOf } from "./cause";
import { layCriticalPath, ownPathTime, pathTimeBelow, topOperations } from "./critical";
import { findErrors } from "./errors";
import { adjustSkew } from "./skew";
import { printTree, rowNamed, traceFromText } from "./testing";
import { idOf, nameOf, serviceOf, type Trace } from "./trace";

const ms = (ns: number) => `${ns / 1e6}`;

/** Stretches from lines of "span name from-to" in milliseconds. */
function stretches(trace: Trace, text: string): Stretch[] {
  return text
    .trim()
    .split("\n")
    .map((line) => {
      const [, name, from, to] = /^\s*(.+) ([\d.]+)-([\d.]+)$/.exec(line)!;
      const row = rowNamed(trace, name!);
      const at = (t: string) => String(trace.startNanos + BigInt(Math.round(Number(t) * 1e6)));
      return {
        row: trace.source[row]!,
        spanId: idOf(trace, row),
        startTimeUnixNano: at(from!),
        endTimeUnixNano: at(to!),
      };
    });
}

const all = (trace: Trace) => Array.from({ length: trace.size }, (_, r) => r);

describe("the critical path", () => {
  const trace = traceFromText(`
    shop order 0-100
      shop price 10-30
      pay charge 20-90
        bank authorise 30-80
        bank settle 82-88
  `);
  const path = layCriticalPath(
    trace,
    stretches(
      trace,
      `order 0-10
       price 10-20
       charge 20-30
       authorise 30-80
       charge 80-82
       settle 82-88
       charge 88-90
       order 90-100`,
    ),
  );

  it("is summed by row and by subtree", () => {
    const said = (r: number) => `${ms(ownPathTime(path, r))} of ${ms(pathTimeBelow(path, trace, r))}`;
    expect(printTree(trace, all(trace), said).split("\n")).toEqual([
      "shop order  20 of 100",
      "  shop price  10 of 10",
      "  pay charge  14 of 70",
      "    bank authorise  50 of 50",
      "    bank settle  6 of 6",
    ]);
    expect(ms(path.total)).toBe("100");
  });

  it("names the operations that take most of it", () => {
    expect(topOperations(trace, path, 2).map((o) => `${o.service} ${o.name} ${ms(o.time)}`)).toEqual([
      "bank authorise 50",
      "shop order 20",
    ]);
  });

  it("leaves out spans that are not here", () => {
    const strange = { ...stretches(trace, "price 10-20")[0]!, spanId: "00000000000000ee" };
    const rest = layCriticalPath(trace, [strange, ...stretches(trace, "order 20-100")]);
    expect([ms(rest.total), ms(ownPathTime(rest, rowNamed(trace, "price")))]).toEqual(["80", "0"]);
  });

  it("stays on bars whose clocks were adjusted", () => {
    const sent = traceFromText(`
      front call 100-200 client
        back serve 20-100 server
    `);
    const { trace: adjusted } = adjustSkew(sent);
    const { from, to } = layCriticalPath(
      adjusted,
      stretches(sent, "call 100-110\nserve 20-100\ncall 190-200"),
    );
    expect([ms(from[1]!), ms(to[1]!)]).toEqual(["110", "190"]);
  });
});

describe("the cause of a failure", () => {
  const trace = traceFromText(`
    web place order 0-100 error
      shop POST /orders 5-95 error
        shop charge card 10-90 error
          pay POST /charges 10-30
            bank authorise 12-28 error "card declined"
  `);
  const said = (t: Trace, rows: readonly number[]) => rows.map((r) => `${serviceOf(t, r)} ${nameOf(t, r)}`);

  it("goes up through the failed callers, one step a service", () => {
    expect(said(trace, causeChain(trace, rowNamed(trace, "authorise")))).toEqual([
      "shop POST /orders",
      "web place order",
    ]);
  });

  it("knows which failed call was made again, and how that ended", () => {
    const retried = traceFromText(`
      shop charge card 0-100
        shop POST /charges 0-30 error client
          pay POST /charges 1-29 error server
            pay POST /bank 2-28 error client
        shop GET /user 30-31 client
        shop POST /charges 35-60 error client
        shop POST /charges 70-99 client
    `);
    const failure = failureOf(retried, findErrors(retried).first);
    expect(nameOf(retried, failure.origin)).toBe("POST /bank");
    expect(said(retried, failure.chain)).toEqual(["pay POST /charges", "shop POST /charges"]);
    expect([failure.call, failure.again.length, failure.recovered]).toEqual([1, 2, true]);
  });

  it("takes calls that ran at the same time for others, not for repeats", () => {
    const parallel = traceFromText(`
      shop list 0-100
        shop GET /item 0-30 error
        shop GET /item 10-40
    `);
    expect(callsAgain(parallel, 1)).toEqual([]);
    expect(failureOf(parallel, 1)).toMatchObject({ chain: [], call: 1, recovered: false });
  });
});
