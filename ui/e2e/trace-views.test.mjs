import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible } from "./axe.mjs";
import { closeBrowser, findTrace, openBrowser, picture, withPage } from "./browser.mjs";

/** What each view of a trace shows once it is there. */
const VIEWS = {
  "?view=waterfall": ".row",
  "?view=flame": ".flame canvas",
  "?view=table": ".tree-table-row:not(.head)",
  "?view=graph": ".map-labels .place",
  "?view=errors": ".error-list li",
  "?view=events": ".event-row:not(.head)",
  "?view=statistics": ".statistics tbody tr",
  "?view=statistics&group=kind": ".statistics tbody tr",
  "?with=typical": ".compare-sentence",
};

let path;

before(async () => {
  await openBrowser();
  const failed = await findTrace('{ event:name = "exception" && status = error }', (t) => t.spanCount >= 8);
  path = `/trace/${failed.traceId}`;
});
after(closeBrowser);

for (const colorScheme of ["light", "dark"]) {
  test(`every view can be used without seeing it or a mouse, ${colorScheme}`, () =>
    withPage(
      path,
      async (page) => {
        await page.waitForSelector(".row");
        await page.keyboard.press("e");
        await page.keyboard.press("Enter");
        await page.waitForURL(/span=/);
        const span = new URL(page.url()).searchParams.get("span");
        for (const [query, there] of Object.entries(VIEWS)) {
          await page.goto(new URL(`${path}${query}&span=${span}`, page.url()).href);
          await page.locator(there).first().waitFor();
          await page.waitForSelector(".panel");
          await assertAccessible(page);
          await picture(page, `trace${query.replace(/\W+/g, "-")}-${colorScheme}`);
        }
      },
      { colorScheme },
    ));
}

test("events are listed in time, and lead to their spans", () =>
  withPage(`${path}?view=events`, async (page) => {
    const event = page.locator(".event-row:not(.head)").first();
    await event.waitFor();
    const name = await event.getByRole("button").getAttribute("title");
    await event.getByRole("button").focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector(".panel");
    await page.locator(".event-row.chosen").first().waitFor();
    assert.ok(name.endsWith(await page.locator(".panel h2 .operation").textContent()));
  }));
