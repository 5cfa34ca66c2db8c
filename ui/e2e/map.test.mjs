import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible } from "./axe.mjs";
import { api, closeBrowser, openBrowser, picture, until, withPage } from "./browser.mjs";
import { KIND, newSpan, newTrace, send } from "./send.mjs";

/** The busiest call from a service to another with a failure, where there is one. */
let call;

before(async () => {
  await openBrowser();
  call = await until("call between services", async () => {
    const { edges } = await api("/analysis/service-graph");
    const calls = edges.filter((e) => e.serverKind === "service" && !e.messaging && e.client !== e.server);
    return calls.sort((a, b) => b.errorCount - a.errorCount || b.callCount - a.callCount)[0];
  });
});
after(closeBrowser);

const place = (page, name) => page.locator(".place.service").filter({ hasText: name }).first();

test("the map shows services and what is called, and the table says the same", () =>
  withPage("/map?range=all", async (page) => {
    await place(page, call.server).waitFor();
    await place(page, call.client).waitFor();
    await picture(page, "map-light");
    await page.getByRole("button", { name: "Table" }).click();
    const row = page
      .locator(".map-table tbody tr")
      .filter({ hasText: call.client })
      .filter({ hasText: call.server });
    assert.match(await row.first().textContent(), /\/(s|min|h)/);
    assert.match(page.url(), /view=table/);
    await picture(page, "map-table");
  }));

test("a place and a call tell their figures and lead to the service and to traces", () =>
  withPage("/map?range=all", async (page) => {
    await place(page, call.server).click();
    const panel = page.getByRole("complementary", { name: "Details" });
    await panel.getByRole("heading", { name: call.server }).waitFor();
    assert.match(
      await panel.getByRole("link", { name: "Service page" }).getAttribute("href"),
      new RegExp(`^/service/${call.server}`),
    );
    await panel.getByRole("button", { name: call.client }).first().click();
    await panel.getByText("On the called side").waitFor();
    await picture(page, "map-call");
    await panel.getByRole("link", { name: "Traces", exact: true }).click();
    await page.waitForURL(/\/search\?/);
    await page.waitForSelector(".result");
  }));

test("around one service there are only its neighbours", () =>
  withPage(`/map?range=all&service=${encodeURIComponent(call.server)}`, async (page) => {
    await place(page, call.server).waitFor();
    const near = await page.locator(".place").count();
    await page.getByLabel("Calls away").selectOption("3");
    await page.waitForFunction((n) => document.querySelectorAll(".place").length >= n, near);
    await page.keyboard.press("Escape");
    await page.waitForURL((url) => !url.searchParams.has("service"));
  }));

test("keys move and zoom, and a search goes to a place", () =>
  withPage("/map?range=all", async (page) => {
    await place(page, call.server).waitFor();
    const where = () => place(page, call.server).boundingBox();
    const first = await where();
    await page.keyboard.press("ArrowRight");
    assert.ok((await where()).x < first.x);
    await page.keyboard.press("+");
    assert.ok((await where()).width > first.width);
    await page.keyboard.press("0");
    assert.deepEqual(await where(), first);
    await page.keyboard.press("/");
    await page.keyboard.type(call.client);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: call.client }).waitFor();
  }));

test("the time goes step by step, and places stay where they are", () =>
  withPage("/map?range=1h", async (page) => {
    await place(page, call.server).waitFor();
    const before = await place(page, call.server).boundingBox();
    const slider = page.getByRole("slider", { name: "Time within the range" });
    await slider.focus();
    await page.keyboard.press("End");
    await page.waitForURL(/at=\d+/);
    await page.keyboard.press("ArrowLeft");
    assert.notEqual(await slider.getAttribute("aria-valuetext"), "Whole range");
    assert.deepEqual(await place(page, call.server).boundingBox(), before);
    await page.getByRole("button", { name: "Whole range" }).click();
    await page.waitForURL((url) => !url.searchParams.has("at"));
  }));

/** A system of 200 services in eight tiers, each with its own database. */
function large() {
  const nodes = [];
  const edges = [];
  for (let i = 0; i < 200; i++) {
    const name = `service-${String(i).padStart(3, "0")}`;
    nodes.push({ kind: "service", name, spanCount: 100, errorCount: i % 17 === 0 ? 5 : 0, entryCount: 0 });
    nodes.push({ kind: "database", name: `db-${i}`, system: "postgresql" });
    const to = (server, serverKind, callCount) =>
      edges.push({
        client: name,
        server,
        serverKind,
        ...(serverKind === "database" ? { serverSystem: "postgresql" } : {}),
        messaging: false,
        callCount,
        errorCount: callCount % 7 === 0 ? 3 : 0,
      });
    to(`db-${i}`, "database", 100 + i);
    const tier = Math.floor(i / 25) + 1;
    if (tier < 8)
      for (const k of [i * 7, i * 13 + 5])
        to(`service-${String(tier * 25 + (k % 25)).padStart(3, "0")}`, "service", 10 + i * 9);
  }
  const stats = {
    complete: true,
    scannedSpans: 1,
    totalSpans: 1,
    scannedBlocks: 1,
    totalBlocks: 1,
    elapsedNanos: "1",
  };
  return { traceCount: 1, unknownCallCount: 0, nodes, edges, stats };
}

test("of 200 services every name can be read, and none covers another", () =>
  withPage("/search", async (page) => {
    await page.route("**/analysis/service-graph?*", (route) => route.fulfill({ json: large() }));
    await page.getByRole("link", { name: "Map" }).click();
    await page.waitForFunction(() => document.querySelectorAll(".place").length === 200, undefined, {
      timeout: 30_000,
    });
    await picture(page, "map-200");
    const covered = await page.locator(".place-name").evaluateAll((all) => {
      const boxes = all.map((e) => e.getBoundingClientRect());
      let count = 0;
      boxes.forEach((a, i) => {
        for (const b of boxes.slice(i + 1))
          if (a.left < b.right && b.left < a.right && a.top < b.bottom - 1 && b.top < a.bottom - 1) count++;
      });
      return count;
    });
    assert.equal(covered, 0);
    const whole = await page
      .locator(".place-name > span")
      .evaluateAll(
        (all) =>
          all.filter((e) => getComputedStyle(e).overflow === "visible" || e.scrollWidth <= e.clientWidth)
            .length,
      );
    assert.equal(whole, 200, "names are cut");
    const used = await page.locator(".map-canvas").evaluate((canvas) => {
      const view = canvas.getBoundingClientRect();
      const boxes = [...canvas.querySelectorAll(".place")].map((e) => e.getBoundingClientRect());
      const length = (low, high) =>
        Math.max(...boxes.map((b) => b[high])) - Math.min(...boxes.map((b) => b[low]));
      return { across: length("left", "right") / view.width, down: length("top", "bottom") / view.height };
    });
    assert.ok(used.across > 0.85 && used.down > 0.85, `the map takes ${JSON.stringify(used)} of its view`);
    await page.getByRole("combobox", { name: "Find in the map" }).fill("service-123");
    await page.keyboard.press("Enter");
    const found = page.locator(".place[aria-pressed=true]");
    await found.waitFor();
    assert.match(await found.textContent(), /service-123/);
  }));

test("messages lead to the traces that consumed them, also where these only link to the producer", async () => {
  const name = newSpan();
  const [producer, consumer] = [`e2e-orders-${name}`, `e2e-mails-${name}`];
  const at = Date.now() - 60_000;
  const [sent, received, span] = [newTrace(), newTrace(), newSpan()];
  await send(producer, [{ trace: sent, id: span, name: "send orders", kind: KIND.producer, at, ms: 2 }]);
  const links = [{ traceId: sent, spanId: span }];
  await send(consumer, [
    { trace: received, name: "process orders", kind: KIND.consumer, at: at + 50, ms: 9, links },
  ]);
  await until("message in the graph", async () =>
    (await api("/analysis/service-graph")).edges.some((e) => e.messaging && e.server === consumer),
  );
  await withPage(`/map?range=15m&service=${consumer}`, async (page) => {
    await place(page, consumer).click();
    const panel = page.getByRole("complementary", { name: "Details" });
    await panel.getByRole("button", { name: producer }).first().click();
    await panel.getByText("sends messages to").waitFor();
    await panel.getByText(/links to the producer/).waitFor();
    await panel.getByRole("link", { name: "Traces", exact: true }).click();
    await page.waitForURL(/\/search\?/);
    await page.locator(`.result[href*="${received}"]`).waitFor();
  });
});

test("the map can be of some traces only, and says so of what it leads to", () =>
  withPage(
    "/map?range=all",
    async (page) => {
      await place(page, call.server).waitFor();
      const only = page.getByRole("textbox", { name: /Only traces that match/ });
      await only.fill(`{ name = "no such span" }`);
      await only.press("Enter");
      await page.waitForURL(/q=/);
      await page.getByText("No trace of this time matches the query").waitFor();
      await only.fill("{ status = ");
      await only.press("Enter");
      await page.getByRole("alert").first().waitFor();
      await only.fill("{ status = error }");
      await only.press("Enter");
      await place(page, call.server).waitFor();
      await place(page, call.server).click();
      const traces = page.getByRole("complementary").getByRole("link", { name: "Traces", exact: true });
      assert.match(decodeURIComponent(await traces.getAttribute("href")), /&&.*status.*error/);
      await picture(page, "map-only");
      await assertAccessible(page);
      await page.getByRole("button", { name: "All traces" }).click();
      await page.waitForURL((url) => !url.searchParams.has("q"));
    },
    { allow: /400/ },
  ));

test("the sheet of keys has those of the map", () =>
  withPage("/map?range=all", async (page) => {
    await place(page, call.server).waitFor();
    await page.keyboard.press("?");
    const sheet = page.getByRole("dialog", { name: "Keyboard" });
    await sheet.getByText("Move the drawing").waitFor();
    await assertAccessible(page);
  }));

test("nothing serious for those who use a screen reader", async () => {
  for (const path of ["/map?range=all", "/map?range=all&view=table"])
    await withPage(path, async (page) => {
      await page.getByText(call.server).first().waitFor();
      await assertAccessible(page);
    });
});
