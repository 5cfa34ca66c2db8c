import { describe, expect, it } from "vitest";
import { groupAttributes, literalOf, textOf } from "./detail";
import { errorMessage, findErrors, ORIGIN, PROPAGATED, toldBy, wasHandled } from "./errors";
import { findRows, nextRow } from "./find";
import { layoutLanes } from "./flame";
import { allCollapsed, collapsedTo, indexOfRow, reveal, visibleRows } from "./rows";
import { adjustSkew } from "./skew";
import { columnsFromText, printTree, rowNamed, traceFromText } from "./testing";
import { buildTrace, rootRow, rowOf, type Trace } from "./trace";
import { computeWork } from "./work";

const all = (trace: Trace) => Array.from({ length: trace.size }, (_, r) => r);
const lines = (text: string) =>
  text
    .split("\n")
    .map((l) => l.replace(/^ {6}/, ""))
    .filter((l) => l.trim())
    .join("\n");
const ms = (ns: number) => `${ns / 1e6}`;

const CHECKOUT = `
  frontend POST /checkout 0-100 server error
    checkout POST /orders 5-95 server error
      cart GET /cart 10-20
        cart redis 12-15
      payment POST /charge 25-60 error "card declined"
      payment POST /charge 70-90 error "card declined again"
    frontend render 96-99
`;

describe("buildTrace", () => {
  it("orders rows depth first, siblings by start", () => {
    const trace = traceFromText(`
      a root 0-10
        a late 5-6
          a below late 5-6
        a early 1-2
    `);
    expect(printTree(trace, all(trace))).toBe(
      lines(`
      a root
        a early
        a late
          a below late`),
    );
    expect([...trace.subtree]).toEqual([4, 1, 2, 1]);
    expect([...trace.parent]).toEqual([-1, 0, 0, 2]);
  });

  it("shows every span once, whatever the parents are", () => {
    const columns = columnsFromText(`
      a one 0-1
      a two 1-2
      a three 2-3
    `);
    columns.spans.parent = [2, 1, 99];
    expect(printTree(buildTrace(columns), [0, 1, 2])).toBe("a one\na two\na three");
  });

  it("survives a chain as deep as the trace is long", () => {
    const size = 100_000;
    const columns = columnsFromText("a x 0-1");
    const fill = <T>(value: T) => new Array<T>(size).fill(value);
    Object.assign(columns.spans, { id: fill("00"), start: fill(0), duration: fill(5), name: fill(0) });
    for (const key of ["kind", "status", "resource"] as const) columns.spans[key] = fill(0);
    columns.spans.parent = Array.from({ length: size }, (_, i) => i - 1);
    const trace = buildTrace(columns);
    expect(trace.depth[size - 1]).toBe(size - 1);
    expect(trace.subtree[0]).toBe(size);
    expect(computeWork(trace).self[0]).toBe(0);
  });

  it("takes an empty trace", () => {
    const trace = traceFromText("");
    expect(trace.size).toBe(0);
    expect(rootRow(trace)).toBe(-1);
    expect(visibleRows(trace, new Set(), -1).length).toBe(0);
  });

  it("prefers a root without a parent to one whose parent is missing", () => {
    const trace = traceFromText(`
      a orphaned 0-10 orphan
      b real 2-5
    `);
    expect(rootRow(trace)).toBe(rowNamed(trace, "real"));
  });

  it("finds rows by span ID", () => {
    const trace = traceFromText(CHECKOUT);
    expect(rowOf(trace, "0000000000000003")).toBe(rowNamed(trace, "GET /cart"));
    expect(rowOf(trace, "ffffffffffffffff")).toBe(-1);
  });
});

describe("computeWork", () => {
  it("takes the union of the children, cut to the span, from its time", () => {
    const trace = traceFromText(`
      a root 0-100
        a one 10-40
        a overlaps 30-50
        a after the end 90-130
      a leaf 0-7
    `);
    const work = computeWork(trace);
    expect(printTree(trace, all(trace), (r) => ms(work.self[r]!))).toBe(
      lines(`
      a root  50
        a one  30
        a overlaps  20
        a after the end  40
      a leaf  7`),
    );
    const waits = [];
    for (let i = work.waitOffset[0]!; i < work.waitOffset[1]!; i++) {
      waits.push(`${ms(work.waitFrom[i]!)}-${ms(work.waitTo[i]!)}`);
    }
    expect(waits).toEqual(["10-50", "90-100"]);
  });

  it("names the longest gap of a span with children only", () => {
    const trace = traceFromText(`
      a root 0-100
        a one 5-20
        a two 80-100
    `);
    const work = computeWork(trace);
    expect([ms(work.gapFrom[0]!), ms(work.gapTo[0]!)]).toEqual(["20", "80"]);
    expect(work.gapTo[1]).toBe(0);
  });
});

describe("findErrors", () => {
  it("tells origins from failures that were passed on", () => {
    const trace = traceFromText(CHECKOUT);
    const { mark, failed, first } = findErrors(trace);
    const word = (r: number) => (mark[r] === ORIGIN ? "origin" : mark[r] === PROPAGATED ? "passed on" : "");
    expect(printTree(trace, all(trace), word)).toBe(
      lines(`
      frontend POST /checkout  passed on
        checkout POST /orders  passed on
          cart GET /cart
            cart redis
          payment POST /charge  origin
          payment POST /charge  origin
        frontend render`),
    );
    expect(failed.length).toBe(4);
    expect(errorMessage(trace, first)).toBe("card declined");
    expect(wasHandled(trace, first)).toBe(false);
  });

  it("sees when the request went on", () => {
    const trace = traceFromText(`
      a root 0-10
        b cache 1-2 error http.response.status_code=503
    `);
    const { first } = findErrors(trace);
    expect(wasHandled(trace, first)).toBe(true);
    expect(toldBy(trace, first)).toBe(-1);
    expect(errorMessage(trace, first)).toBe("HTTP 503");
  });
});

describe("toldBy", () => {
  it("finds who put a bare code into words, over spans that did not fail", () => {
    const trace = traceFromText(`
      shop place order 0-10 error "insufficient funds"
        payment charge 1-9
          payment bank 2-8 error http.response.status_code=402
    `);
    const { first } = findErrors(trace);
    expect(errorMessage(trace, first)).toBe("HTTP 402");
    expect(toldBy(trace, first)).toBe(rowNamed(trace, "place order"));
    expect(wasHandled(trace, first)).toBe(false);
    expect(toldBy(trace, 0)).toBe(-1);
  });
});

describe("adjustSkew", () => {
  it("moves a server into its call, and what is below along", () => {
    const trace = traceFromText(`
      front call 100-200 client
        back serve 20-100 server
          back query 30-40
    `);
    const skew = adjustSkew(trace);
    expect(printTree(skew.trace, all(trace), (r) => ms(skew.trace.start[r]!))).toBe(
      lines(`
      front call  100
        back serve  110
          back query  120`),
    );
    expect([...skew.moved]).toEqual([1]);
    expect(ms(skew.most)).toBe("90");
  });

  it("leaves alone what clocks do not explain", () => {
    const trace = traceFromText(`
      front call 0-50 client
        back ends late 10-90 server
      front publish 0-5 producer
        work later 100-200 consumer
      a parent 10-20
        a same clock 5-8
    `);
    const skew = adjustSkew(trace);
    expect(skew.moved.length).toBe(0);
    expect(skew.trace).toBe(trace);
  });
});

describe("visible rows", () => {
  const trace = traceFromText(CHECKOUT);
  const orders = rowNamed(trace, "POST /orders");

  it("hides what is below collapsed rows", () => {
    expect(printTree(trace, visibleRows(trace, new Set([orders]), -1))).toBe(
      lines(`
      frontend POST /checkout
        checkout POST /orders
        frontend render`),
    );
  });

  it("shows one subtree", () => {
    const cart = rowNamed(trace, "GET /cart");
    expect([...visibleRows(trace, new Set(), cart)]).toEqual([cart, cart + 1]);
  });

  it("collapses to the ways to errors", () => {
    const collapsed = collapsedTo(trace, findErrors(trace).below);
    expect(printTree(trace, visibleRows(trace, collapsed, -1))).not.toContain("redis");
    expect(printTree(trace, visibleRows(trace, collapsed, -1))).toContain("POST /charge");
  });

  it("reveals a hidden row and nothing else", () => {
    const collapsed = allCollapsed(trace);
    const open = reveal(trace, collapsed, rowNamed(trace, "redis"));
    expect(visibleRows(trace, open, -1)).toContain(rowNamed(trace, "redis"));
    expect(reveal(trace, open, rowNamed(trace, "redis"))).toBe(open);
  });

  it("finds where a row, or the one that hides it, is", () => {
    const rows = visibleRows(trace, new Set([orders]), -1);
    expect(indexOfRow(rows, orders)).toBe(1);
    expect(indexOfRow(rows, orders + 2)).toBe(1);
    expect(indexOfRow(rows, -1)).toBe(-1);
  });
});

describe("find in trace", () => {
  const trace = traceFromText(`
    shop GET /cart 0-10 http.route=/Cart/{id}
      db select 1-2 "dead lock" rows=42
  `);
  it.each([
    ["cart", [0]],
    ["LOCK", [1]],
    ["42", [1]],
    ["http.route", [0]],
    ["shop", [0]],
    ["00000002", []],
    ["0000000000000002", [1]],
    ["", []],
    ["nothing like it", []],
  ])("%s", (text, rows) => {
    expect([...findRows(trace, text)]).toEqual(rows);
  });

  it("goes round", () => {
    const rows = Int32Array.from([2, 5]);
    expect([nextRow(rows, -1, true), nextRow(rows, 2, true), nextRow(rows, 5, true)]).toEqual([2, 5, 2]);
    expect([nextRow(rows, 5, false), nextRow(rows, 2, false)]).toEqual([2, 5]);
    expect(nextRow(new Int32Array(0), 0, true)).toBe(-1);
  });
});

describe("layoutLanes", () => {
  it("puts spans of one time into lanes of their own, below their parents", () => {
    const trace = traceFromText(`
      a root 0-100
        a left 0-50
          a left child 10-20
        a beside 30-60
        a right 60-90
    `);
    const { lane, count } = layoutLanes(trace);
    expect(printTree(trace, all(trace), (r) => String(lane[r]))).toBe(
      lines(`
      a root  0
        a left  1
          a left child  2
        a beside  3
        a right  1`),
    );
    expect(count).toBe(4);
  });

  it("never draws two spans over one another", () => {
    let state = 1;
    const random = () => {
      state = (state * 48271) % 2147483647;
      return state / 2147483647;
    };
    const text: string[] = [];
    const grow = (indent: number, from: number, to: number, left: number) => {
      text.push(`${" ".repeat(indent)}s n${text.length} ${from.toFixed(3)}-${to.toFixed(3)}`);
      for (let i = 0; i < left; i++) {
        const a = from + random() * (to - from);
        grow(indent + 1, a, a + random() * (to - a) * 1.3, Math.floor(random() * left));
      }
    };
    grow(0, 0, 1000, 6);
    const trace = traceFromText(text.join("\n"));
    const { lane } = layoutLanes(trace);
    for (const a of all(trace)) {
      for (let b = a + 1; b < trace.size; b++) {
        if (lane[a] !== lane[b]) continue;
        const apart =
          trace.start[a]! + trace.duration[a]! <= trace.start[b]! ||
          trace.start[b]! + trace.duration[b]! <= trace.start[a]!;
        expect(apart, `${a} and ${b} in lane ${lane[a]}`).toBe(true);
      }
    }
  });
});

describe("attributes", () => {
  it("are grouped by convention in a fixed order", () => {
    const keys = ["url.path", "user.id", "db.query.text", "http.route", "error.type"];
    const groups = groupAttributes(keys.map((key) => ({ key, value: {} })));
    expect(groups.map((g) => `${g.group}: ${g.attributes.map((a) => a.key).join(" ")}`)).toEqual([
      "exception: error.type",
      "http: http.route url.path",
      "db: db.query.text",
      "other: user.id",
    ]);
  });

  it("have texts and literals", () => {
    const list = { arrayValue: { values: [{ stringValue: "a" }, { intValue: "1" }, {}] } };
    expect(textOf(list)).toBe('["a", 1, ]');
    expect(textOf({ kvlistValue: { values: [{ key: "k", value: { boolValue: true } }] } })).toBe("{k: true}");
    expect(literalOf({ stringValue: 'say "hi"' })).toBe('"say \\"hi\\""');
    expect(literalOf({ intValue: "9007199254740993" })).toBe("9007199254740993");
    expect(literalOf(list)).toBeUndefined();
    expect(literalOf({ doubleValue: "NaN" })).toBeUndefined();
  });
});
