import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, base, closeBrowser, findTrace, openBrowser, picture, until, withPage } from "./browser.mjs";

before(async () => {
  await openBrowser();
  await until("services", async () => (await api("/services")).services.length >= 3);
  await findTrace("{ status = error }");
});
after(closeBrowser);

const row = ".result";

/** Waits until the plot shows all it will: what is listed or, where that is not all, a sample too. */
const plotted = (page) =>
  page.waitForFunction(() => {
    if (!/\d\+ traces/.test(document.querySelector(".state-line").textContent)) return true;
    const note = document.querySelector(".plot-note");
    return note !== null && !/reading/.test(note.textContent);
  });

test("the search lists traces and says that the answer is complete", () =>
  withPage("/search", async (page) => {
    await page.waitForSelector(row);
    assert.match(await page.textContent(".state-line"), /complete/);
    assert.match(await page.textContent(".state-line"), /spans scanned in/);
    await plotted(page);
    await picture(page, "search-light");
  }));

test("the form writes the query, and the query fills the form", async () => {
  const { services } = await api("/services");
  const service = services[0].name;
  await withPage("/search", async (page) => {
    await page.waitForSelector(row);
    await page.getByRole("combobox", { name: "Service", exact: true }).fill(service);
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=/);
    const query = `{ resource.service.name = ${JSON.stringify(service)} }`;
    assert.equal(await page.getByRole("combobox", { name: "Query" }).inputValue(), query);
    await page.waitForSelector(row);
    const found = await page.locator(".result-services, .result-name").allTextContents();
    assert.ok(found.some((text) => text.includes(service)));
    await picture(page, "search-service");
  });
  const q = '{ status = error && duration >= 1ms && span.http.request.method =~ "G.*" }';
  await withPage(`/search?q=${encodeURIComponent(q)}`, async (page) => {
    const value = (name) => page.getByLabel(name, { exact: true }).first().inputValue();
    assert.equal(await value("Status"), "error");
    assert.equal(await value("Min duration"), "1ms");
    assert.equal(await page.locator(".attribute-row .value input").inputValue(), "G.*");
  });
});

test("values complete in the query line", async () => {
  const { services } = await api("/services");
  const service = services[0].name;
  await withPage("/search", async (page) => {
    await page.waitForSelector(row);
    await page.keyboard.press("/");
    await page.keyboard.type(`{ resource.service.name = "${service.slice(0, 2)}`);
    const option = page.getByRole("option", { name: new RegExp(`^${service}`) }).first();
    await option.waitFor();
    await picture(page, "query-completion");
    await option.click();
    const query = await page.getByRole("combobox", { name: "Query" }).inputValue();
    assert.equal(query.trim(), `{ resource.service.name = ${JSON.stringify(service)}`);
    await page.keyboard.type("}");
    await page.keyboard.press("Enter");
    await page.waitForSelector(row);
  });
});

test("a query that cannot be read is marked where it fails", () =>
  withPage(
    `/search?q=${encodeURIComponent("{ status = error && = }")}`,
    async (page) => {
      await page.waitForSelector(".t-wrong");
      assert.equal(await page.textContent(".t-wrong"), "=");
      assert.ok((await page.textContent(".query-error")).length > 10);
      await picture(page, "query-error");
    },
    { allow: /400/ },
  ));

test("a search without results says what to do", () =>
  withPage(`/search?range=15m&q=${encodeURIComponent('{ name = "no such operation" }')}`, async (page) => {
    await page.getByRole("heading", { name: /No trace matches/ }).waitFor();
    await picture(page, "search-empty");
    await page.getByRole("link", { name: "Search without the filter" }).click();
    await page.waitForSelector(row);
  }));

test("keys walk the results and open one, and Back finds them as they were", () =>
  withPage("/search", async (page) => {
    await page.waitForSelector(row);
    await page.keyboard.press("j");
    await page.keyboard.press("ArrowDown");
    const chosen = await page.locator(".result.chosen").getAttribute("href");
    assert.equal(chosen, await page.locator(row).nth(1).getAttribute("href"));
    await page.keyboard.press("Enter");
    await page.waitForURL(`${base}${chosen}`);
    await page.waitForSelector(".row");
    await page.goBack();
    await page.waitForSelector(row);
    assert.equal(await page.locator(row).nth(1).getAttribute("href"), chosen);
  }));

test("paging repeats and loses nothing", async () => {
  await until("second page", async () => (await api("/traces", { limit: "100" })).nextCursor);
  await withPage("/search?range=all", async (page) => {
    await page.waitForSelector(row);
    const listed = new Set();
    const collect = async () => {
      for (const href of await page.locator(row).evaluateAll((all) => all.map((a) => a.getAttribute("href"))))
        listed.add(href);
    };
    const list = page.locator(".result-scroll");
    const scrollThrough = async (from, to) => {
      for (let top = from; top <= to; top += 400) {
        await list.evaluate((element, y) => element.scrollTo(0, y), top);
        await page.waitForTimeout(40);
        await collect();
      }
    };
    const height = () => list.evaluate((element) => element.scrollHeight);
    await scrollThrough(0, await height());
    assert.equal(listed.size, 100);
    const first = await height();
    await page.getByRole("button", { name: "Load more" }).click();
    await page.waitForFunction((h) => document.querySelector(".result-scroll").scrollHeight > h, first);
    await scrollThrough(100 * 52, await height());
    assert.ok(listed.size > 100, `${listed.size} traces after two pages`);
  });
});

test("live search takes new traces in without moving what is read", () =>
  withPage("/search?live=15", async (page) => {
    page.setDefaultTimeout(60_000);
    await page.waitForSelector(row);
    const list = page.locator(".result-scroll");
    await list.evaluate((element) => element.scrollTo(0, 10 * 52));
    const reading = () =>
      list.evaluate((element) => {
        const top = element.getBoundingClientRect().top;
        const all = [...element.querySelectorAll(".result")];
        return all.find((a) => a.getBoundingClientRect().top >= top - 1)?.getAttribute("href");
      });
    await page.waitForTimeout(200);
    const before = await reading();
    // More than a page of new ones: a first page alone would not reach what is read.
    await page.waitForFunction((y) => document.querySelector(".result-scroll").scrollTop > y, 110 * 52);
    assert.equal(await reading(), before);
  }));

test("the plot shows the whole range, not only what is listed", async () => {
  const millis = (nanos) => Number(BigInt(nanos) / 1_000_000n);
  // The demo sent all the time; what other tests sent may be older.
  const now = Date.now();
  const first = Math.max(millis((await api("/status")).minSpanStartUnixNano), now - 120_000);
  const { traces, nextCursor } = await api("/traces", {
    limit: "100",
    start: String(BigInt(first) * 1_000_000n),
    end: String(BigInt(now) * 1_000_000n),
  });
  assert.ok(nextCursor, "all traces fit into the list");
  const listed = millis(traces.at(-1).startTimeUnixNano);
  await withPage(`/search?range=${first}-${now}`, async (page) => {
    await page.waitForSelector(row);
    await plotted(page);
    assert.match(await page.textContent(".plot-note"), /newest \d+ of every \d+/);
    const box = await page.locator(".scatter").boundingBox();
    // In the older half of the plot there is a mark, and it is the trace that a click opens.
    const tip = page.locator(".tip");
    for (let y = box.height * 0.4; y < box.height - 24 && !(await tip.isVisible()); y += 8) {
      for (let x = 80; x < box.width / 2 && !(await tip.isVisible()); x += 16)
        await page.mouse.move(box.x + x, box.y + y);
    }
    await tip.waitFor();
    await page.mouse.down();
    await page.mouse.up();
    await page.waitForURL(/\/trace\//);
    const id = new URL(page.url()).pathname.split("/").at(-1);
    const opened = millis((await api(`/traces/${id}`, { format: "columns" })).startTimeUnixNano);
    assert.ok(opened < listed, `started ${listed - opened} ms before the last one listed`);
    assert.ok(opened < first + (Date.now() - first) * 0.6, "in the older half");
    await page.goBack();
    await page.waitForSelector(".plot-note");
    await plotted(page);
  });
});

test("dragging over the plot narrows the search", () =>
  withPage("/search", async (page) => {
    await page.waitForSelector(row);
    const box = await page.locator(".scatter").boundingBox();
    await page.mouse.move(box.x + 60, box.y + 4);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width - 20, box.y + box.height / 2, { steps: 5 });
    await picture(page, "scatter-drag");
    await page.mouse.up();
    await page.waitForURL(/range=\d+-\d+/);
    const query = new URL(page.url()).searchParams.get("q");
    assert.match(query, /trace:duration >= \S+ && trace:duration <= \S+/);
  }));

test("themes, help and the other pages", () =>
  withPage(
    "/search",
    async (page) => {
      const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
      await page.waitForSelector(row);
      assert.equal(await theme(), "dark");
      await plotted(page);
      await picture(page, "search-dark");
      await page.getByRole("button", { name: "System theme" }).click();
      assert.equal(await theme(), "light");
      await page.reload();
      await page.waitForSelector(row);
      assert.equal(await theme(), "light");
      await page.getByRole("button", { name: "Light theme" }).click();
      assert.equal(await theme(), "dark");
      await page.keyboard.press("?");
      await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
      await picture(page, "help");
      await page.keyboard.press("Escape");
      await page.getByRole("link", { name: "Status", exact: true }).click();
      await page.getByText("Spans held").first().waitFor();
      await picture(page, "status");
      await page.getByRole("link", { name: "How to send traces" }).click();
      for (const tab of await page.getByRole("tab").all()) {
        await tab.click();
        assert.match(await page.locator(".snippets pre").textContent(), /otlp|OTEL|v1\/traces/);
      }
      await picture(page, "how-to-send");
    },
    { colorScheme: "dark" },
  ));

test("a narrow screen has no sideways scrolling", () =>
  withPage(
    "/search",
    async (page) => {
      await page.waitForSelector(row);
      await plotted(page);
      await picture(page, "search-390");
      const wide = () => page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok((await wide()) <= 390);
      await page.locator(row).first().click();
      await page.waitForSelector(".row");
      await picture(page, "trace-390");
      assert.ok((await wide()) <= 390);
    },
    { viewport: { width: 390, height: 844 } },
  ));

test("the palette goes to what is typed, in either language", () =>
  withPage(
    "/search?range=6h",
    async (page) => {
      await page.waitForSelector(row);
      assert.equal(await page.getAttribute("html", "lang"), "ja");
      assert.match(await page.textContent(".range"), /直近 6 時間/);
      await picture(page, "search-ja");
      await page.keyboard.press("Control+k");
      await page.keyboard.type("状態");
      await page.keyboard.press("Enter");
      await page.waitForURL(`${base}/status?range=6h`);
      await page.getByRole("button", { name: "English" }).click();
      await page.getByText("Spans held").first().waitFor();
      await page.getByRole("link", { name: "Search", exact: true }).click();
      await page.waitForURL(`${base}/search?range=6h`);
    },
    { locale: "ja-JP" },
  ));
