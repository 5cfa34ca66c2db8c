import { describe, expect, it } from "vitest";
import { formatJson, formatSql, prettyText } from "./pretty";
import { foldStack, parseStack } from "./stack";

const block = (text: string) =>
  text
    .replace(/^\n/, "")
    .replace(/\n\s*$/, "")
    .replace(/^ {6}/gm, "");

describe("SQL", () => {
  it("has a line for each clause and condition", () => {
    expect(
      formatSql(
        "select o.id, count(*) from orders o left outer join lines l on l.order_id = o.id where o.day between ? and ? and (o.total > ? or o.vip) group by o.id order by 2 desc limit 10",
      ),
    ).toBe(
      block(`
      select o.id, count(*)
      from orders o
      left outer join lines l on l.order_id = o.id
      where o.day between ? and ?
        and (o.total > ? or o.vip)
      group by o.id
      order by 2 desc
      limit 10
      `),
    );
  });

  it("indents subqueries and leaves calls alone", () => {
    expect(
      formatSql("DELETE FROM carts WHERE id IN (SELECT id FROM old WHERE age > max(1, ?)) RETURNING id"),
    ).toBe(
      block(`
      DELETE FROM carts
      WHERE id IN (
          SELECT id
          FROM old
          WHERE age > max(1, ?)
      )
      RETURNING id
      `),
    );
    expect(formatSql("INSERT INTO lines (a, b) VALUES (?, ?)")).toBe(
      "INSERT INTO lines (a, b)\nVALUES (?, ?)",
    );
  });

  it.each([
    "UPDATE stock SET quantity = max(quantity - ?, 0) WHERE sku = ? AND quantity >= ? RETURNING quantity",
    "SELECT 'from  where' FROM \"group by\" -- and so on\nWHERE a->>'b' = $1::text",
    "WITH x AS (SELECT 1) SELECT * FROM x; SELECT 'open",
    "not SQL at all ((",
  ])("changes white space alone: %s", (sql) => {
    expect(formatSql(sql).replace(/\s+/g, "")).toBe(sql.replace(/\s+/g, ""));
  });
});

describe("JSON", () => {
  it("is indented, numbers as sent", () => {
    expect(formatJson('{"id":9007199254740993,"tags":["a, b",{}],"at":{"x":1.50}}')).toBe(
      block(`
      {
        "id": 9007199254740993,
        "tags": [
          "a, b",
          {}
        ],
        "at": {
          "x": 1.50
        }
      }
      `),
    );
  });

  it("is told from other text", () => {
    expect(["{sku}", "[::1]", "12", "{", '"text"'].map(formatJson)).toEqual(Array(5).fill(undefined));
    expect(prettyText("db.query.text", "BEGIN")).toBeUndefined();
    expect(prettyText("note", "SELECT a FROM b")).toBeUndefined();
  });
});

describe("stacks", () => {
  const shown = (stack: string) =>
    foldStack(parseStack(stack)).flatMap(({ folded, frames }) =>
      folded
        ? [`(${frames.length} folded)`]
        : frames.map((f) => `${f.heading ? "# " : f.own ? "> " : "  "}${f.text.trim().split("\n")[0]}`),
    );

  it("of Go", () => {
    expect(
      shown(
        [
          "goroutine 7 [running]:",
          "go.opentelemetry.io/otel/sdk/trace.recordStackTrace(...)",
          "\t/home/shop/go/pkg/mod/go.opentelemetry.io/otel/sdk@v1.47.0/trace/span.go:527",
          "go.opentelemetry.io/otel/sdk/trace.(*recordingSpan).RecordError(0x31, {0x16})",
          "\t/home/shop/go/pkg/mod/go.opentelemetry.io/otel/sdk@v1.47.0/trace/span.go:509 +0x4de",
          "example.com/shop.(*web).click(0x31)",
          "\t/src/shop/customers.go:146 +0x5b0",
          "created by sync.(*WaitGroup).Go in goroutine 56",
          "\t/usr/local/go/src/sync/waitgroup.go:238 +0x73",
        ].join("\n"),
      ),
    ).toEqual([
      "# goroutine 7 [running]:",
      "(2 folded)",
      "> example.com/shop.(*web).click(0x31)",
      "  created by sync.(*WaitGroup).Go in goroutine 56",
    ]);
  });

  it("of Java, with its cause", () => {
    expect(
      shown(
        `java.lang.IllegalStateException: no stock
\tat com.shop.Stock.take(Stock.java:31)
\tat org.springframework.web.Servlet.doGet(Servlet.java:9)
\tat java.base/java.lang.Thread.run(Thread.java:833)
Caused by: java.io.IOException: closed
\tat com.shop.Db.read(Db.java:8)
\t... 12 more`,
      ),
    ).toEqual([
      "# java.lang.IllegalStateException: no stock",
      "> at com.shop.Stock.take(Stock.java:31)",
      "(2 folded)",
      "# Caused by: java.io.IOException: closed",
      "> at com.shop.Db.read(Db.java:8)",
      "  ... 12 more",
    ]);
  });

  it("of Python", () => {
    expect(
      shown(
        `Traceback (most recent call last):
  File "/usr/lib/python3.12/site-packages/flask/app.py", line 880, in full
    rv = self.dispatch()
  File "/usr/lib/python3.12/site-packages/flask/app.py", line 865, in dispatch
    return self.view()
  File "/srv/shop/cart.py", line 12, in add
    raise KeyError(sku)
KeyError: 'POT-003'`,
      ),
    ).toEqual([
      "# Traceback (most recent call last):",
      "(2 folded)",
      '> File "/srv/shop/cart.py", line 12, in add',
      "# KeyError: 'POT-003'",
    ]);
  });

  it("of which nothing is the application's own is shown whole, and as sent", () => {
    const stack = "Error: x\n    at a (node:internal/a:1:1)\n    at b (node:internal/b:2:2)";
    expect(shown(stack).length).toBe(3);
    expect(
      parseStack(stack)
        .map((f) => f.text)
        .join("\n"),
    ).toBe(stack);
  });
});
