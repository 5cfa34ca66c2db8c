import { expect, test } from "vitest";
import { offsetIn, pickLanguage } from "./locale";
import { en } from "./strings/en";
import { ja } from "./strings/ja";

test("the language is the chosen one, else the browser's first that there is, else English", () => {
  expect(pickLanguage("ja", ["en-GB"])).toBe("ja");
  expect(pickLanguage(undefined, ["fr", "ja-JP", "en"])).toBe("ja");
  expect(pickLanguage("xx", ["fr"])).toBe("en");
});

test("a zone's offset follows its clocks through the year", () => {
  const hour = 3_600_000;
  const january = Date.UTC(2026, 0, 15, 12);
  const july = Date.UTC(2026, 6, 15, 12, 30, 15, 250);
  expect([january, july].map((t) => offsetIn("Europe/Berlin", t) / hour)).toEqual([1, 2]);
  expect([january, july].map((t) => offsetIn("Asia/Tokyo", t) / hour)).toEqual([9, 9]);
  expect(offsetIn("UTC", july)).toBe(0);
  expect(offsetIn("Asia/Kolkata", july) / hour).toBe(5.5);
});

/** The keys of an object and of those in it, as paths. */
const paths = (value: object, prefix = ""): string[] =>
  Object.entries(value).flatMap(([key, v]) =>
    v !== null && typeof v === "object" ? paths(v, `${prefix}${key}.`) : [prefix + key],
  );

test("both languages say the same things", () => {
  expect(paths(ja).sort()).toEqual(paths(en).sort());
  const same = paths(en).filter((path) => {
    const of = (text: object) =>
      path.split(".").reduce((v: unknown, k) => (v as Record<string, unknown>)[k], text);
    const words = of(en);
    return typeof words === "string" && /[a-z]{4}/.test(words) && words === of(ja);
  });
  // What is a name or code in any language.
  expect(
    same.filter(
      (path) => !/^(product|help\.keys|search\.placeholder|status\.(http|grpc)|.*Example$)/.test(path),
    ),
  ).toEqual([]);
});
