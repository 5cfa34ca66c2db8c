import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible } from "./axe.mjs";
import { api, closeBrowser, findTrace, openBrowser, picture, withPage } from "./browser.mjs";

before(async () => {
  await openBrowser();
  await findTrace("{ status = error }");
});
after(closeBrowser);

const panel = (page) => page.getByRole("complementary", { name: "What is different" });

test("the panel tells failed spans from the rest, and a value narrows the search", () =>
  withPage("/search", async (page) => {
    page.setDefaultTimeout(30_000);
    await page.getByRole("button", { name: "What is different?" }).click();
    await panel(page).getByRole("button", { name: "Compare failed spans" }).click();
    await page.waitForSelector(".difference");
    const { differences } = await api("/analysis/comparison", { q: "{ status = error }", limit: 1 });
    assert.match(await page.textContent(".different-counts"), /spans found · .* others/);
    assert.ok(differences.length > 0);
    await assertAccessible(page);
    await picture(page, "different");
    const filter = page.getByRole("button", { name: /^Search span\..* = / }).first();
    const field = /Search (\S+) =/.exec(await filter.getAttribute("aria-label"))[1];
    await filter.click();
    await page.waitForFunction((f) => new URLSearchParams(location.search).get("q").includes(f), field);
    assert.match(new URL(page.url()).searchParams.get("q"), /^\{ status = error && /);
    await panel(page).getByRole("button", { name: "Close" }).click();
    assert.equal(await page.locator(".different").count(), 0);
  }));

test("with the panel open, dragging over the plot compares a region with the rest", () =>
  withPage("/search?diff=query", async (page) => {
    page.setDefaultTimeout(30_000);
    await page.waitForSelector(".result");
    const box = await page.locator(".scatter").boundingBox();
    await page.mouse.move(box.x + 60, box.y + 4);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width - 14, box.y + box.height * 0.55, { steps: 5 });
    await page.mouse.up();
    await page.waitForURL(/diff=\d+-\d+-\d+-\d+/);
    await page.waitForSelector(".difference");
    assert.equal(await page.locator(".scatter .drag").count(), 1);
    await picture(page, "different-region");
    await panel(page).getByRole("button", { name: "Search the region" }).click();
    await page.waitForURL(/range=\d+-\d+/);
    assert.match(new URL(page.url()).searchParams.get("q"), /trace:duration >= \S+ && trace:duration <= \S+/);
  }));
