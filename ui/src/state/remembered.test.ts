import { expect, it } from "vitest";
import { readRemembered, withName, withoutSaved, withRun, withSaved } from "./remembered";

const nothing = { recent: [], saved: [] };
const names = (all: { saved: readonly { name: string }[] }) => all.saved.map((s) => s.name).join(" ");

it("remembers the latest fifty queries, each once", () => {
  let all = withRun(withRun(withRun(nothing, "{a}"), "{b}"), "{a}");
  expect(all.recent).toEqual(["{a}", "{b}"]);
  expect(withRun(all, "")).toBe(all);
  for (let i = 0; i < 60; i++) all = withRun(all, `{${i}}`);
  expect(all.recent).toHaveLength(50);
  expect(all.recent[0]).toBe("{59}");
});

it("saves queries by name, and renames and forgets them", () => {
  const all = withSaved(withSaved(nothing, "slow", "{ duration > 1s }"), "failed", "{ status = error }");
  expect(names(all)).toBe("failed slow");
  expect(withSaved(all, "slow", "{ duration > 2s }").saved[1]!.query).toBe("{ duration > 2s }");
  expect(names(withName(all, "failed", "z"))).toBe("slow z");
  expect(names(withName(all, "failed", "slow"))).toBe("slow");
  expect(withName(all, "none", "slow")).toBe(all);
  expect(names(withoutSaved(all, "slow"))).toBe("failed");
});

it("reads what was stored, and nothing of what is not of its form", () => {
  const all = { recent: ["{a}"], saved: [{ name: "b", query: "{b}" }] };
  expect(readRemembered(JSON.stringify(all))).toEqual(all);
  expect(readRemembered(null)).toEqual(nothing);
  expect(readRemembered("{{{")).toEqual(nothing);
  expect(readRemembered('{"recent":[1,"x"],"saved":[{"name":"y"},null]}')).toEqual({
    recent: ["x"],
    saved: [],
  });
});
