import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible } from "./axe.mjs";
import { api, closeBrowser, openBrowser, picture, until, withPage } from "./browser.mjs";

const ENTRY = "(kind = server || kind = consumer || span:parentID = nil)";

/** How many entry spans each service has, and how many of them failed. */
async function entries() {
  const { series } = await api("/metrics/instant", {
    q: `{ ${ENTRY} } | count_over_time() by (resource.service.name, status)`,
  });
  const counts = new Map();
  for (const { labels, points } of series) {
    const of = (name) => labels.find((l) => l.name === name).value.stringValue;
    const count = counts.get(of("resource.service.name")) ?? { all: 0, errors: 0 };
    count.all += points[0];
    if (of("status") === "error") count.errors += points[0];
    counts.set(of("resource.service.name"), count);
  }
  return counts;
}

before(async () => {
  await openBrowser();
  await until("services with errors", async () => {
    const counts = [...(await entries()).values()];
    return counts.length >= 3 && counts.some((c) => c.errors > 0);
  });
});
after(closeBrowser);

const names = (page) => page.locator(".red-table tbody tr:not(.silent) th").allTextContents();

test("the first page lists the services with their figures", () =>
  withPage("/", async (page) => {
    await page.locator(".red-table tbody tr").nth(2).waitFor();
    const counts = await entries();
    const seen = await names(page);
    for (const name of seen) assert.ok(counts.has(name), `${name} has no entry span`);
    const failing = seen.findIndex((name) => counts.get(name).errors > 0);
    const row = page.locator(".red-table tbody tr").nth(failing);
    assert.match(await row.locator(".of-rate .num").textContent(), /^[\d.]+k?\/(s|min|h)$/);
    assert.match(await row.locator(".of-errors .num").textContent(), /^<?[\d.]+ %$/);
    assert.match(await row.locator(".of-p95 .num").textContent(), /^[\d.]+ (µs|ms|s)$/);
    assert.equal(await row.getByRole("img").count(), 3);
    await page.locator(".changes p, .changes li").first().waitFor();
    await assertAccessible(page);
    await picture(page, "overview");
  }));

test("columns sort, names filter, and the URL keeps both", () =>
  withPage("/?range=24h", async (page) => {
    await page.locator(".red-table tbody tr").nth(2).waitFor();
    await page.getByRole("button", { name: "Service", exact: true }).click();
    await page.waitForURL(/sort=name/);
    const sorted = await names(page);
    assert.deepEqual(sorted, sorted.toSorted());
    await page.getByRole("button", { name: "Service", exact: true }).click();
    await page.waitForURL(/sort=-name/);
    assert.deepEqual(await names(page), sorted.toReversed());
    await page.keyboard.press("/");
    await page.keyboard.type(sorted[0].slice(1));
    await page.waitForFunction(
      (n) => document.querySelectorAll(".red-table tbody tr").length < n,
      sorted.length,
    );
    assert.ok((await names(page)).every((name) => name.includes(sorted[0].slice(1))));
    const { searchParams } = new URL(page.url());
    assert.equal(searchParams.get("filter"), sorted[0].slice(1));
    assert.equal(searchParams.get("range"), "24h");
    await page.reload();
    await page.locator(".red-table tbody tr").first().waitFor();
    assert.ok((await names(page)).includes(sorted[0]));
  }));

test("what to compare with is a choice that links keep", () =>
  withPage("/", async (page) => {
    await page.locator(".red-table tbody tr").first().waitFor();
    await page.getByLabel("Compare with").selectOption("week");
    await page.waitForURL(/against=week/);
    await page.locator(".changes", { hasText: "a week before" }).waitFor();
    await page.locator(".red-table tbody a").first().click();
    await page.waitForURL(/\/service\/.*against=week/);
    assert.equal(await page.getByLabel("Compare with").inputValue(), "week");
  }));

test("one click leads from a service to its page", () =>
  withPage("/", async (page) => {
    await page.locator(".red-table tbody tr").first().waitFor();
    const [name] = await names(page);
    // By force: the link that covers the row is what is to be hit.
    await page.locator(".red-table tbody tr").first().locator(".of-p50").click({ force: true });
    await page.waitForURL(`**/service/${encodeURIComponent(name)}*`);
    await page.getByRole("heading", { name, level: 1 }).waitFor();
    await page.locator(".service-figures .num").first().waitFor();
    assert.equal(await page.locator(".red-charts canvas").count(), 3);
    await assertAccessible(page);
    await page.goBack();
    await page.locator(".red-table").waitFor();
  }));

test("the overview is usable on a phone and in Japanese", () =>
  withPage(
    "/",
    async (page) => {
      await page.locator(".red-table tbody tr").first().waitFor();
      await page.getByRole("heading", { name: "変化" }).waitFor();
      const { wide, screen } = await page.evaluate(() => ({
        wide: document.documentElement.scrollWidth,
        screen: window.innerWidth,
      }));
      assert.ok(wide <= screen, `the page is ${wide} pixels wide`);
      await picture(page, "overview-phone-ja");
    },
    { viewport: { width: 390, height: 844 }, locale: "ja-JP", colorScheme: "dark" },
  ));
