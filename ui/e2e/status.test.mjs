import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible } from "./axe.mjs";
import { api, closeBrowser, findTrace, openBrowser, picture, until, withPage } from "./browser.mjs";

before(async () => {
  await openBrowser();
  await findTrace("{ status = error }");
  await until("step of the history with spans", async () =>
    (await api("/server")).receivers.some((r) => r.spanHistory?.at(-1) > 0),
  );
});
after(closeBrowser);

const finding = (page, words) => page.locator(".findings li").filter({ hasText: words });
const fact = (page, name) => page.locator(".status-facts dl > div").filter({ hasText: name });

test("it says what is received, stored and kept, in sentences and then in figures", () =>
  withPage("/status", async (page) => {
    await finding(page, /^Receiving [\d.,]+ spans\/s over OTLP\/HTTP/).waitFor();
    await finding(page, /^The disk is \d+ % full/).waitFor();
    await finding(page, /^The process uses .* of .* of memory/).waitFor();
    assert.equal(await page.locator(".hour-charts canvas").count(), 4);
    const { spanCount } = await api("/status");
    assert.ok(spanCount > 0);
    assert.match(await fact(page, "Spans held").locator("dd").textContent(), /^[\d.]+[kM]?$/);
    assert.match(await fact(page, "Oldest span").textContent(), /ago/);
    assert.match(await page.getByText(/^for 14 days$/).textContent(), /14/);
    const row = page.getByRole("region", { name: "Received" }).getByRole("row", { name: /OTLP\/HTTP/ });
    assert.match(await row.textContent(), /spans\/s/);
    await picture(page, "status-light");
  }));

test("every way in is listed with its address, or with what opens it", () =>
  withPage("/status", async (page) => {
    const { listeners } = await api("/server");
    const table = page.getByRole("region", { name: "Where spans are taken" });
    for (const l of listeners) {
      const row = table.getByRole("row", { name: new RegExp(`^${l.title} `) });
      assert.ok((await row.textContent()).includes(l.state === "open" ? l.address : l.setting));
    }
    assert.equal(await table.getByRole("row").count(), 1 + 2 + listeners.length);
  }));

test("what is refused is told with its reason and what to do", async () => {
  const { endpoints } = await api("/status");
  const answer = await fetch(`${endpoints.otlpHttp}/v1/traces`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: "{",
  });
  assert.equal(answer.status, 400);
  await until("step of the history with the refusal", async () =>
    (await api("/server")).drops.some((d) => d.reason === "malformed" && d.history?.some((n) => n > 0)),
  );
  await withPage("/status", async (page) => {
    const told = finding(page, "Requests refused: malformed");
    await told.waitFor();
    assert.match(await told.textContent(), /A sender is broken/);
    assert.match(await told.getAttribute("class"), /warn/);
    const row = page
      .getByRole("region", { name: "Dropped, by reason" })
      .getByRole("row", { name: /malformed/ });
    assert.match(await row.textContent(), /^[1-9]/);
    await picture(page, "status-dropped");
  });
});

test("settings tell where they come from", () =>
  withPage("/status", async (page) => {
    const table = page.getByRole("region", { name: "Settings in force" });
    await table.getByRole("row", { name: /^http\.address .* option/ }).waitFor();
    await table.getByRole("row", { name: /^limits\.memory .* fits the machine/ }).waitFor();
    assert.equal(await table.getByRole("row", { name: /^log\.level/ }).count(), 0);
    await page.getByRole("checkbox", { name: "Only what is not the default" }).uncheck();
    await table.getByRole("row", { name: /^log\.level info default/ }).waitFor();
    await page.getByRole("searchbox", { name: "Filter settings" }).fill("retention");
    await page.waitForFunction(() =>
      [...document.querySelectorAll(".settings tbody th")].every((e) => e.textContent.includes("retention")),
    );
  }));

/** Opens the page with other figures of the server, or the problem that it answers with. */
const withServer = (change, use) =>
  withPage(
    "/search",
    async (page) => {
      const server = await api("/server");
      const answer = change(server);
      await page.route("**/api/kiseki/v1/server", (route) => route.fulfill(answer ?? { json: server }));
      await page.getByRole("link", { name: "Status", exact: true }).click();
      await use(page);
    },
    { allow: /403/ },
  );

test("a disk that fills is told first, with when", () =>
  withServer(
    (server) => {
      const gib = 2 ** 30;
      server.drops = [];
      server.segmentSpanCount = 1e9;
      server.segmentBytes = 2e10;
      server.receivers = server.receivers.slice(0, 1);
      server.receivers[0].spanHistory = Array(360).fill(200_000);
      server.memory.residentKiBHistory = Array(360).fill(100_000);
      server.disk = { directory: "/data", sizeBytes: 100 * gib, freeBytes: 41 * gib, reservedBytes: gib };
    },
    async (page) => {
      const first = page.locator(".findings li").first();
      await first.getByText(/as much as in the last hour fills it in 30 hours/).waitFor();
      assert.match(await first.textContent(), /lower retention\.age/);
      await picture(page, "status-disk");
    },
  ));

test("who may not know of the whole server sees what is his", () =>
  withServer(
    () => ({ status: 403, json: { title: "Not this tenant's to know", status: 403 } }),
    async (page) => {
      await page.getByText(/are told to the default tenant only/).waitFor();
      await fact(page, "Spans held").waitFor();
      assert.equal(await page.getByRole("heading", { name: "Settings in force" }).count(), 0);
    },
  ));

test("nothing serious for those who use a screen reader, and nothing too wide on a phone, in either language", async () => {
  for (const [locale, colorScheme] of [
    ["en-US", "light"],
    ["ja-JP", "dark"],
  ])
    await withPage(
      "/status",
      async (page) => {
        await page.locator(".findings li").first().waitFor();
        await page.locator(".settings").waitFor();
        await assertAccessible(page);
        await picture(page, `status-390-${locale}`);
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390);
      },
      { locale, colorScheme, viewport: { width: 390, height: 844 } },
    );
});
