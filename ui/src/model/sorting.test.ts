import { expect, test } from "vitest";
import { nextOrder, readOrder, sorted } from "./sorting";

test("a click on a column sorts by it, another one the other way", () => {
  const clicks = ["rate", "rate", "name", "name"];
  let written = "-errors";
  const seen = clicks.map((column) => {
    written = nextOrder(readOrder(written), column, column === "name");
    return written;
  });
  expect(seen).toEqual(["-rate", "rate", "name", "-name"]);
});

test("rows without a value are last either way, equal ones by name", () => {
  const rows = [
    { name: "d", n: 1 },
    { name: "c", n: undefined },
    { name: "b", n: 3 },
    { name: "a", n: 1 },
  ];
  const order = (down: boolean) =>
    sorted(
      rows,
      down,
      (r) => r.n,
      (r) => r.name,
    )
      .map((r) => r.name)
      .join("");
  expect(order(true)).toBe("badc");
  expect(order(false)).toBe("adbc");
});
