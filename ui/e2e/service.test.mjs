import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible } from "./axe.mjs";
import { api, closeBrowser, findTrace, openBrowser, picture, until, withPage } from "./browser.mjs";

/** A service of the demo that fails, calls others and is called. */
const NAME = "checkout";
const OF = `resource.service.name = "${NAME}"`;

before(async () => {
  await openBrowser();
  await findTrace(`{ ${OF} && status = error }`);
  await until("calls", async () => {
    const { edges } = await api("/analysis/service-graph", { q: `{ ${OF} }` });
    return edges.some((e) => e.client === NAME) && edges.some((e) => e.server === NAME);
  });
});
after(closeBrowser);

const part = (page, name) => page.locator(`section.part[aria-label="${name}"]`);

test("a service's page shows its figures, charts, operations, errors, dependencies and instances", () =>
  withPage(`/service/${NAME}`, async (page) => {
    await page.getByRole("heading", { name: NAME, level: 1 }).waitFor();
    await page.locator(".service-figures .num").nth(4).waitFor();
    assert.match(await page.locator(".service-figures").textContent(), /Rate.*Errors.*p50.*p95.*p99/);
    const operations = await api("/operations", { service: NAME });
    const served = operations.operations.filter((o) => o.kind === "server").map((o) => o.name);
    await part(page, "Operations").locator("tbody tr").first().waitFor();
    const shown = await part(page, "Operations").locator("tbody th a").allTextContents();
    assert.ok(
      served.some((name) => shown.includes(name)),
      `${shown} has none of ${served}`,
    );
    await part(page, "Errors").locator(".fault").first().waitFor();
    await part(page, "Dependencies").locator("tbody tr").nth(1).waitFor();
    await part(page, "Versions").locator("tbody tr").first().waitFor();
    await part(page, "Instances").locator("tbody tr").first().waitFor();
    await assertAccessible(page);
    await picture(page, "service");
  }));

test("an error leads to the spans that failed this way, and to the latest of them", () =>
  withPage(`/service/${NAME}`, async (page) => {
    const row = part(page, "Errors").locator("tbody tr").first();
    await row.waitFor();
    const trace = await row.getByRole("link", { name: "Open the latest one" }).getAttribute("href");
    assert.match(trace, /^\/trace\/[0-9a-f]{32}\?span=[0-9a-f]{16}$/);
    await row.locator(".fault a").click();
    await page.waitForURL(/\/search\?q=/);
    const q = new URL(page.url()).searchParams.get("q");
    assert.ok((await api("/traces", { q })).traces.length > 0, `nothing satisfies ${q}`);
  }));

test("cells of the heat map open their traces, by the pointer and by keys", () =>
  withPage(`/service/${NAME}`, async (page) => {
    const heat = page.getByRole("application");
    const total = async () => {
      const url = new URL(page.url());
      const [from, to] = url.searchParams.get("range").split("-");
      const q = url.searchParams.get("q");
      assert.match(q, /duration >= [\d.]+ms && duration < [\d.]+ms/);
      const found = await api("/aggregate", { q, by: "nothing", start: `${from}000000`, end: `${to}000000` });
      return found.groups[0]?.spanCount ?? 0;
    };
    await heat.scrollIntoViewIfNeeded();
    await heat.focus();
    await until("the fullest cell", async () => {
      await page.keyboard.press("ArrowRight");
      return heat.locator(".tip").isVisible();
    });
    await heat
      .locator(".tip")
      .getByText(/spans?$/)
      .first()
      .waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("ArrowRight");
    await heat.locator(".tip").waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/search\?/);
    assert.ok((await total()) > 0, "the search of the fullest cell finds nothing");
    await page.goBack();
    await heat.scrollIntoViewIfNeeded();
    await page.locator(".service-figures .num").first().waitFor();
    const box = await heat.boundingBox();
    await until("a selection with spans", async () => {
      await page.mouse.move(box.x + 70, box.y + 12);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width - 12, box.y + box.height - 26, { steps: 4 });
      const there = await heat.locator(".tip").isVisible();
      await page.mouse.up();
      return there;
    });
    await page.waitForURL(/\/search\?/);
    assert.ok((await total()) > 0, "the search of the selection finds nothing");
  }));

test("dragging over a chart chooses the time of the page", () =>
  withPage(`/service/${NAME}`, async (page) => {
    const plot = page.locator(".red-charts .u-over").first();
    await plot.waitFor();
    const box = await plot.boundingBox();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.9, box.y + 40, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/range=\d+-\d+/);
  }));

test("dependencies lead on, and back", () =>
  withPage(`/service/${NAME}`, async (page) => {
    const callers = part(page, "Dependencies").locator("table").first().locator("tbody th a");
    await callers.first().waitFor();
    const caller = await callers.first().textContent();
    await callers.first().click();
    await page.getByRole("heading", { name: caller, level: 1 }).waitFor();
    const callees = part(page, "Dependencies").locator("table").nth(1).locator("tbody th");
    await callees.getByText(NAME, { exact: true }).waitFor();
    await page.goBack();
    await page.getByRole("heading", { name: NAME, level: 1 }).waitFor();
  }));

test("a name that nobody has is said to have no spans", () =>
  withPage("/service/no%2Fsuch%20service", async (page) => {
    await page.getByRole("heading", { name: "no/such service" }).waitFor();
    await page.getByText("No entry span of this service in this time").waitFor();
  }));

test("a service's page is usable on a phone, in the dark and in Japanese", () =>
  withPage(
    `/service/${NAME}`,
    async (page) => {
      await part(page, "エラー").locator(".fault").first().waitFor();
      await part(page, "依存関係").locator("tbody tr").first().waitFor();
      const { wide, screen } = await page.evaluate(() => ({
        wide: document.documentElement.scrollWidth,
        screen: window.innerWidth,
      }));
      assert.ok(wide <= screen, `the page is ${wide} pixels wide`);
      await assertAccessible(page);
      await picture(page, "service-phone-ja");
    },
    { viewport: { width: 390, height: 844 }, locale: "ja-JP", colorScheme: "dark" },
  ));
