// What axe-core finds on a page.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const source = readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// Names that are cut in the middle on the screen are whole in the label.
const RULES = { "label-content-name-mismatch": { enabled: false } };

/** Fails, naming the page, if people who cannot see the page or use a mouse would be stopped by something on it. */
export async function assertAccessible(page, where = page.url()) {
  await page.evaluate(await source);
  const { violations } = await page.evaluate((rules) => globalThis.axe.run({ rules }), RULES);
  const serious = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  assert.deepEqual(
    serious.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`),
    [],
    where,
  );
}
