// What is done with results: followed as they arrive, taken along as a file, and compared.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { assertAccessible } from "./axe.mjs";
import { closeBrowser, findTrace, openBrowser, picture, withPage } from "./browser.mjs";

before(async () => {
  await openBrowser();
  await findTrace("{ status = error }");
});
after(closeBrowser);

const state = ".state-line";
const row = ".result";

test("a live tail shows what arrives, holds still, and comes back after the server was away", () =>
  withPage(
    "/search",
    async (page) => {
      page.setDefaultTimeout(30_000);
      await page.getByRole("button", { name: "Live tail" }).click();
      await page.waitForURL(/view=tail/);
      await page.waitForSelector(row);
      assert.match(await page.textContent(state), /following, .*traces arrived/);
      const first = () => page.locator(row).first().getAttribute("href");
      const before = await first();
      await page.waitForFunction(
        (href) => document.querySelector(".result").getAttribute("href") !== href,
        before,
      );

      await page.getByRole("button", { name: "Pause" }).click();
      const held = await first();
      await page.getByText(/held, [1-9]\d* waiting/).waitFor();
      assert.equal(await first(), held);
      await assertAccessible(page);
      await picture(page, "search-tail");
      await page.getByRole("button", { name: "Resume" }).click();
      await page.waitForFunction(
        (href) => document.querySelector(".result").getAttribute("href") !== href,
        held,
      );

      await page.locator(row).first().hover();
      await page.getByText(/held/).waitFor();
      await page.mouse.move(5, 5);
      await page.waitForFunction(() => !/held/.test(document.querySelector(".state-line").textContent));

      await page.route("**/tail*", (route) => route.abort());
      await page.getByText(/does not answer; trying again/).waitFor();
      await page.unroute("**/tail*");
      await page.getByText(/following/).waitFor();
    },
    { allow: /Failed to load resource/ },
  ));

/** The text of the file that a button gives. */
async function fileOf(page, button) {
  const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") };
}

test("traces are downloaded with their columns, and spans, as CSV and JSON", () =>
  withPage(
    `/search?range=15m&tcols=span.http.route&q=${encodeURIComponent("{ status = error }")}`,
    async (page) => {
      page.setDefaultTimeout(30_000);
      await page.waitForSelector(".result-values");
      await page.getByRole("button", { name: "Download the results" }).click();
      await assertAccessible(page);
      const csv = await fileOf(page, page.getByRole("button", { name: "CSV" }));
      assert.match(csv.name, /^kiseki-traces-\d{8}-\d{6}\.csv$/);
      const [head, ...rows] = csv.text.trimEnd().split("\r\n");
      assert.match(head, /^start,traceId,.*,span\.http\.route$/);
      const listed = await page.locator(row).first().getAttribute("href");
      assert.ok(rows.some((line) => line.includes(listed.split("/").at(-1))));
      await page.getByText(new RegExp(`${rows.length.toLocaleString("en-US")} rows saved`)).waitFor();

      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Spans", exact: true }).click();
      await page.waitForSelector(".span-row");
      await page.getByRole("button", { name: "Download the results" }).click();
      const json = await fileOf(page, page.getByRole("button", { name: "JSON" }));
      const { complete, traces } = JSON.parse(json.text);
      assert.equal(complete, true);
      assert.ok(traces.every((t) => t.spanSets[0].spans[0].values.some((v) => v.name === "span.http.route")));
    },
  ));

test("series are downloaded", () =>
  withPage(`/search?range=15m&q=${encodeURIComponent("{} | rate() by (kind)")}`, async (page) => {
    await page.waitForSelector(".metrics canvas");
    const { text } = await fileOf(page, page.getByRole("button", { name: "CSV" }));
    assert.match(text.split("\r\n")[0], /^time,.*server/);
  }));

test("two traces are chosen and compared", () =>
  withPage("/search", async (page) => {
    const pick = page.locator(".result-pick");
    await pick.first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("x");
    await page.getByText("1 of 2 traces to compare").waitFor();
    await pick.nth(2).check();
    const ids = await page
      .locator(row)
      .evaluateAll((all) => all.map((a) => a.getAttribute("href").split("/").at(-1)));
    await assertAccessible(page);
    const link = page.getByRole("link", { name: "Compare the two traces" });
    assert.equal(await link.getAttribute("href"), `/trace/${ids[0]}?with=${ids[2]}`);
    await page.getByRole("button", { name: "Choose none" }).click();
    assert.equal(await link.count(), 0);
  }));

test("metrics over all time begin with the first span", () =>
  withPage(`/search?range=all&q=${encodeURIComponent("{} | count_over_time()")}`, async (page) => {
    const asked = await page.waitForRequest(/metrics\/range/);
    const start = Number(BigInt(new URL(asked.url()).searchParams.get("start")) / 1_000_000n);
    const status = await (await fetch(`${new URL(page.url()).origin}/api/kiseki/v1/status`)).json();
    const first = Number(BigInt(status.minSpanStartUnixNano) / 1_000_000n);
    const step = Number.parseInt(new URL(asked.url()).searchParams.get("step"), 10);
    assert.ok(
      start <= first && first - start <= step,
      `from ${start} for a span of ${first} in steps of ${step}`,
    );
  }));
