import { expect, test } from "vitest";
import { matchEntries, rankOf } from "./palette";

test("a name fits by its beginning, a word of it, a part, or letters in order", () => {
  expect(
    ["checkout", "POST /checkout", "precheckout", "c-h-e-c-k"].map((name) => rankOf(name, "check")),
  ).toEqual([0, 1, 2, 3]);
  expect(rankOf("cart", "check")).toBeUndefined();
  expect(rankOf("Checkout", "CHECK")).toBe(0);
});

test("the best come first, those alike in their order, and no more than asked for", () => {
  const run = () => undefined;
  const entries = [
    { group: "operations", name: "GET /cart", note: "cart", run },
    { group: "services", name: "cart", run },
    { group: "services", name: "catalogue", run },
    { group: "operations", name: "charge", note: "cart", run },
  ];
  expect(matchEntries(entries, "cart", 9).map((e) => e.name)).toEqual(["cart", "GET /cart", "charge"]);
  expect(matchEntries(entries, " ", 2).map((e) => e.name)).toEqual(["GET /cart", "cart"]);
});
