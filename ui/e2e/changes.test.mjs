import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, closeBrowser, openBrowser, picture, until, withPage } from "./browser.mjs";
import { KIND, newSpan, newTrace, send } from "./send.mjs";

const MINUTE = 60_000;

/** Entry spans of a service over ten minutes from `at` on, of which each `failing`th fails. */
const requests = (count, at, ms, failing = 0) =>
  Array.from({ length: count }, (_, i) => ({
    name: "GET /",
    kind: KIND.server,
    at: at + (i / count) * 10 * MINUTE,
    ms: ms + (i % 7),
    ...(failing > 0 && i % failing === 0 ? { error: "no" } : {}),
  }));

before(async () => {
  await openBrowser();
  const now = Date.now() - 12 * MINUTE;
  const then = now - 60 * MINUTE;
  await send("e2e-steady", [...requests(200, then, 20, 50), ...requests(200, now, 20, 50)]);
  await send("e2e-failing", [...requests(200, then, 20, 50), ...requests(200, now, 20, 2)]);
  await send("e2e-slow", [...requests(200, then, 20), ...requests(200, now, 400)]);
  await send("e2e-gone", requests(200, then, 20));
  await send("e2e-new", requests(200, now, 20));
  // What there was not before the first span is no silence: let there be one long before.
  await send("e2e-old", requests(1, then - 600 * MINUTE, 20));
  await until("services that were sent", async () => {
    const { services } = await api("/services");
    return services.filter((s) => s.name.startsWith("e2e-")).length >= 6;
  });
});
after(closeBrowser);

const PAGE = "/?range=15m&against=hour";

/** The sentence about a service. */
const change = (page, service) => page.locator(".changes li").filter({ hasText: service });

/** Shows all sentences, not only what is worst. */
async function showAll(page) {
  await change(page, "e2e-failing").waitFor();
  const more = page.locator(".changes button.inline");
  if (await more.count()) await more.click();
}

test("what changed is told in sentences, what got worse first, and what did not change is not", () =>
  withPage(PAGE, async (page) => {
    await showAll(page);
    assert.match(await change(page, "e2e-failing").textContent(), /errors 2 % → 50 %/);
    assert.match(await change(page, "e2e-slow").textContent(), /p95 2\d(\.\d+)? ms → 40\d ms/);
    assert.match(await change(page, "e2e-gone").textContent(), /gone, was/);
    assert.match(await change(page, "e2e-new").textContent(), /new, /);
    assert.equal(await change(page, "e2e-steady").count(), 0);
    const told = await page.locator(".changes li b").allTextContents();
    assert.ok(told.indexOf("e2e-gone") < told.indexOf("e2e-new"), `${told}`);
    await picture(page, "overview-changes");
  }));

test("a change leads to where it can be seen: of what is gone, to when it was there", () =>
  withPage(PAGE, async (page) => {
    await showAll(page);
    await change(page, "e2e-gone").getByRole("link").click();
    await page.waitForURL(/\/service\/e2e-gone\?range=\d+-\d+/);
    const figures = page.locator(".service-figures .num");
    await figures.first().waitFor();
    assert.match(await figures.first().textContent(), /\//);
    await page.goBack();
    await showAll(page);
    await change(page, "e2e-failing").getByRole("link").click();
    await page.waitForURL(/\/service\/e2e-failing\?.*against=hour/);
    await page.locator(".service-figures").getByText(/48 pt/).first().waitFor();
  }));

test("a failure is one row of a service's errors: where it began, with what failed above it", async () => {
  const at = Date.now() - MINUTE;
  const [trace, server, work] = [newTrace(), newSpan(), newSpan()];
  const service = `e2e-chain-${newSpan()}`;
  await send(service, [
    { trace, id: server, name: "POST /order", kind: KIND.server, at, ms: 30, error: "internal error 500" },
    { trace, id: work, parent: server, name: "price", kind: KIND.internal, at, ms: 20, error: "no rate" },
    { trace, parent: work, name: "GET /convert", kind: KIND.client, at, ms: 10, error: "404 for ATS" },
  ]);
  await withPage(`/service/${service}?range=15m`, async (page) => {
    const errors = page.locator('section.part[aria-label="Errors"]');
    await errors.locator("tbody tr").first().waitFor();
    assert.equal(await errors.locator("tbody tr").count(), 1);
    const row = await errors.locator("tbody tr").textContent();
    assert.match(row, /^1\{n\} for ATS|^1404 for ATS/);
    assert.match(row, /GET \/convert.*failed with it: price \+1/);
    await picture(page, "service-one-failure");
  });
});
