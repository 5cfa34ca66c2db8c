import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible } from "./axe.mjs";
import { closeBrowser, findTrace, openBrowser, picture, withPage } from "./browser.mjs";

before(async () => {
  await openBrowser();
  await findTrace("{ status = error }");
});
after(closeBrowser);

const search = (q, more = "") => `/search?q=${encodeURIComponent(q)}${more}`;

test("results are spans, with columns that come and go", () =>
  withPage(search("{ status = error }"), async (page) => {
    page.setDefaultTimeout(30_000);
    await page.getByRole("button", { name: "Spans", exact: true }).click();
    await page.waitForSelector(".span-row");
    assert.match(page.url(), /view=spans/);
    await page.getByRole("button", { name: "Remove column kind" }).click();
    await page.waitForURL(/cols=/);
    await page.getByRole("button", { name: "Column", exact: true }).click();
    await page.keyboard.type("status");
    await page.getByRole("option", { name: "status", exact: true }).click();
    await page.waitForFunction(() =>
      [...document.querySelectorAll(".span-row")].every((row) => row.lastChild.textContent === "error"),
    );
    await assertAccessible(page);
    await picture(page, "search-spans");
    await page.keyboard.press("j");
    const chosen = await page.locator(".span-row.chosen a").getAttribute("href");
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname + url.search === chosen);
  }));

test("dragging over the histogram narrows the search to durations of spans", () =>
  withPage(search("{ status = error }"), async (page) => {
    page.setDefaultTimeout(30_000);
    await page.waitForSelector(".histogram-bars");
    const box = await page.locator(".histogram-bars").boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width - 2, box.y + 20, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/duration/);
    assert.match(new URL(page.url()).searchParams.get("q"), /&& duration >= \S+ && duration <= \S+ \}$/);
  }));

test("a metrics query is a chart and a table of its series", () =>
  withPage(search("{ } | rate() by (resource.service.name)"), async (page) => {
    page.setDefaultTimeout(30_000);
    await page.waitForSelector(".metrics canvas");
    const series = await page.locator(".metrics-table tbody tr").count();
    assert.ok(series >= 3);
    assert.match(await page.textContent(".state-line"), new RegExp(`^${series} series · complete`));
    await assertAccessible(page);
    await picture(page, "search-metrics");
  }));
