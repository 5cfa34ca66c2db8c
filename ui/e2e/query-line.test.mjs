// The query line: what it completes, what it remembers, and how a question is called off.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible } from "./axe.mjs";
import { api, closeBrowser, findTrace, openBrowser, picture, withPage } from "./browser.mjs";

before(async () => {
  await openBrowser();
  await findTrace("{ status = error }");
});
after(closeBrowser);

const line = (page) => page.getByRole("combobox", { name: "Query" });
const option = (page, name) =>
  page.getByRole("listbox", { name: "Completions" }).getByRole("option", { name }).first();

test("a query is written with completions alone", () =>
  withPage("/search", async (page) => {
    await page.waitForSelector(".result");
    await page.keyboard.press("/");
    await page.keyboard.type("{ status = ");
    await option(page, "error").click();
    await option(page, "}").click();
    await page.keyboard.type(" |");
    await option(page, /^rate\(\) *spans a second/).waitFor();
    await picture(page, "query-stages");
    await option(page, /^rate\(\)/).click();
    await option(page, /^by \(…\)/).click();
    await option(page, /^resource\.service\.name/).click();
    await option(page, ")").click();
    await page.keyboard.type("| to");
    await option(page, /^topk\(…\)/).click();
    await option(page, "5").click();
    await option(page, ")").click();
    const written = "{ status = error } | rate() by (resource.service.name) | topk(5)";
    assert.equal((await line(page).inputValue()).trim(), written);
    await assertAccessible(page);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".metrics canvas");
    assert.equal(new URL(page.url()).searchParams.get("q"), written);
  }));

test("every word of the server's is explained", async () => {
  const { words } = await api("/words");
  assert.ok(words.length > 50);
  const known = new Set(words.map((w) => w.name));
  await withPage("/search", async (page) => {
    await line(page).click();
    for (const at of ["{} | ", "{} ", "{ ", "{} | rate() with (", "{} | rate() | "]) {
      await line(page).fill(at);
      await page.waitForSelector(".option");
      const mute = await page
        .locator(".option")
        .evaluateAll((all) =>
          all.filter((o) => !o.querySelector("small")?.textContent).map((o) => o.firstChild.textContent),
        );
      assert.deepEqual(
        mute.filter((name) => known.has(name.replace(/\(.*$/, ""))),
        [],
      );
    }
  });
});

test("queries are remembered, saved, renamed and deleted", () =>
  withPage("/search", async (page) => {
    const run = async (q) => {
      await line(page).fill(q);
      await page.keyboard.press("Enter");
      await page.waitForFunction((text) => new URLSearchParams(location.search).get("q") === text, q);
    };
    await run("{ status = error }");
    await run("{ duration > 1ms }");
    await line(page).fill("");
    await page.keyboard.press("ArrowUp");
    await page.getByRole("listbox", { name: "Saved and recent queries" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => new URLSearchParams(location.search).get("q") === "{ status = error }");

    const open = () => page.getByRole("button", { name: "Saved and recent queries" }).click();
    await open();
    await page.keyboard.type("failed");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Rename failed" }).click();
    await page.keyboard.press("Control+A");
    await page.keyboard.type("what failed");
    await page.keyboard.press("Enter");
    await assertAccessible(page);
    await picture(page, "query-saved");
    await page.keyboard.press("Escape");
    assert.equal(await page.getByRole("dialog").count(), 0);
    await page.goto(`${new URL(page.url()).origin}/search`);
    await open();
    await page.getByRole("button", { name: /^what failed/ }).click();
    await page.waitForURL(/status/);
    await open();
    await page.getByRole("button", { name: "Delete what failed" }).click();
    assert.equal(await page.getByRole("region", { name: "Saved" }).count(), 0);
  }));

for (const [what, path, q] of [
  ["search", "/traces?", "{ kind = server }"],
  ["metrics query", "/metrics/range", "{} | rate()"],
]) {
  test(`a ${what} is called off by Escape and by its button`, () =>
    withPage("/search", async (page) => {
      await page.waitForSelector(".result");
      let stall = true;
      await page.route(
        (url) => (url.pathname + url.search).includes(path),
        (route) => (stall ? undefined : route.continue()),
      );
      const aborted = () =>
        page.waitForEvent("requestfailed", (request) => request.url().includes(path.replace("?", "")));
      await line(page).fill(q);
      let failed = aborted();
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Cancel" }).waitFor();
      assert.match(await page.textContent(".state-line"), /searching/);
      await page.getByText(/1 s · Esc cancels/).waitFor();
      await page.keyboard.press("Escape");
      await failed;
      await page.getByText("cancelled").waitFor();
      failed = aborted();
      await page.getByRole("button", { name: "Run" }).click();
      await page.getByRole("button", { name: "Cancel" }).click();
      await failed;
      stall = false;
      await page.getByRole("button", { name: "Run" }).click();
      await page.getByText(/complete/).waitFor();
    }));
}
