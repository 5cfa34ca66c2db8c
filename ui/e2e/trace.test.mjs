import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, closeBrowser, findTrace, openBrowser, picture, withPage } from "./browser.mjs";

let failed;
let path;

before(async () => {
  await openBrowser();
  failed = await findTrace("{ status = error }", (t) => t.spanCount >= 8 && t.services.length >= 3);
  path = `/trace/${failed.traceId}`;
});
after(closeBrowser);

const rows = (page) => page.locator(".row").count();

test("a trace shows what failed in a sentence that leads there", () =>
  withPage(path, async (page) => {
    await page.waitForSelector(".row");
    assert.match(await page.textContent(".because-failed"), /failed; (the first|it) is/);
    await page.waitForTimeout(200);
    await picture(page, "trace-light");
    await page.locator(".because-failed button").first().click();
    await page.waitForSelector(".panel");
    await page.locator(".row.chosen .error-mark").waitFor();
    await picture(page, "trace-panel-light");
  }));

test("the critical path says what took the time, and leads there", () =>
  withPage(path, async (page) => {
    await page.waitForSelector(".because-path");
    const { stretches } = await api(`/traces/${failed.traceId}/critical-path`);
    await page.keyboard.press("c");
    await page.waitForSelector('.path-toggle[aria-pressed="true"]');
    await page.waitForURL(/path=alone/);
    await picture(page, "critical-path");
    await page.locator(".because-path button.inline").first().click();
    await page.waitForSelector(".panel");
    const chosen = await page.locator(".row.chosen").getAttribute("id");
    assert.ok(stretches.map((s) => `row-${s.spanId}`).includes(chosen), `${chosen} is on the path`);
  }));

test("rows collapse and expand, by click, by key and all at once", () =>
  withPage(path, async (page) => {
    await page.waitForSelector(".row");
    await page.waitForSelector(".because-path"); // above the rows: it decides how many are in sight
    await page.waitForTimeout(200);
    const before = await rows(page);
    const all = () => page.waitForFunction((n) => document.querySelectorAll(".row").length === n, before);
    await page.locator(".row .twisty[aria-label]").first().click();
    assert.ok((await rows(page)) < before);
    await page.getByRole("button", { name: "Expand all" }).first().click();
    await all();
    await page.keyboard.press("j");
    await page.keyboard.press("ArrowLeft");
    assert.ok((await rows(page)) < before);
    await page.keyboard.press("ArrowRight");
    await all();
    await page.locator(".toolbar").getByRole("button", { name: "Collapse all" }).click();
    assert.ok((await rows(page)) < before);
    await page.getByRole("button", { name: "Collapse to errors" }).click();
    assert.ok((await page.locator(".row .error-mark").count()) > 0);
  }));

test("keys go to errors, open and close the panel and lead back", () =>
  withPage(path, async (page) => {
    await page.waitForSelector(".row");
    await page.keyboard.press("e");
    await page.locator(".row.chosen .error-mark").waitFor();
    await page.keyboard.press("Enter");
    await page.waitForSelector(".panel");
    await page.keyboard.press("Escape");
    await page.waitForSelector(".panel", { state: "detached" });
    await page.keyboard.press("f");
    await page.getByText("Only the subtree of").waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("Only the subtree of").waitFor({ state: "detached" });
    await page.keyboard.press("Escape");
    await page.waitForURL(/\/search/);
  }));

test("find in trace marks the spans and walks them", () =>
  withPage(path, async (page) => {
    await page.waitForSelector(".row");
    await page.keyboard.press("/");
    await page.keyboard.type(failed.services[0].name);
    await page.waitForSelector(".row.matched");
    await page.keyboard.press("Enter");
    await page.getByText(/^1 of \d+$/).waitFor();
    await page.keyboard.press("Escape");
    await picture(page, "trace-find");
  }));

test("an attribute leads to the traces that have it", async () => {
  await withPage(path, async (page) => {
    await page.waitForSelector(".row");
    await page.locator(".row").first().click();
    await page.getByText("Resource", { exact: true }).click();
    await page.locator(".attribute", { hasText: "service.name" }).first().locator("button.value").click();
    await picture(page, "attribute-menu");
    await page.getByRole("menuitem", { name: "Find traces with this value" }).click();
    await page.waitForURL(/\/search\?q=/);
    assert.match(new URL(page.url()).searchParams.get("q"), /^\{ resource\.service\.name = ".+" \}$/);
    await page.waitForSelector(".result");
  });
});

test("a shared address shows the same: span, zoom, find and view", () =>
  withPage(path, async (page) => {
    await page.waitForSelector(".row");
    await page.keyboard.press("e");
    await page.keyboard.press("Enter");
    const map = await page.locator(".minimap").boundingBox();
    await page.mouse.move(map.x + map.width * 0.2, map.y + 20);
    await page.mouse.down();
    await page.mouse.move(map.x + map.width * 0.7, map.y + 20, { steps: 4 });
    await page.mouse.up();
    await page.getByRole("searchbox", { name: "Find in trace" }).fill(failed.services[0].name);
    await page.waitForURL(/(?=.*span=)(?=.*from=)(?=.*find=)/);
    const seen = async (p) => ({
      chosen: await p.locator(".row.chosen").getAttribute("id"),
      panel: await p.locator(".panel h2").textContent(),
      ruler: await p.locator(".ruler .tick").allTextContents(),
      found: await p.locator(".find-count").textContent(),
    });
    const here = await seen(page);
    const address = new URL(page.url());
    await withPage(address.pathname + address.search, async (other) => {
      await other.waitForSelector(".row.chosen");
      await other.waitForSelector(".panel");
      assert.deepEqual(await seen(other), here);
      await picture(other, "trace-shared");
      await other.locator(".minimap").dblclick();
      await other.waitForURL((url) => !url.searchParams.has("from"));
    });
  }));

test("flame chart and statistics", () =>
  withPage(
    path,
    async (page) => {
      await page.waitForSelector(".row");
      await page.waitForTimeout(200);
      await picture(page, "trace-dark");
      await page.getByRole("tab", { name: "Flame" }).click();
      await page.waitForSelector(".flame canvas");
      await page.waitForTimeout(200);
      await picture(page, "flame-dark");
      const chart = await page.locator(".flame").boundingBox();
      await page.mouse.click(chart.x + chart.width / 2, chart.y + 16);
      await page.waitForSelector(".panel");
      await page.getByRole("tab", { name: "Statistics" }).click();
      const counts = await page.locator(".statistics tbody td:nth-child(2)").allTextContents();
      const sum = counts.reduce((total, text) => total + Number(text.replaceAll(",", "")), 0);
      const { spans } = await api(`/traces/${failed.traceId}`, { format: "columns" });
      assert.ok(sum > 0 && sum <= spans.id.length, `${sum} spans counted, ${spans.id.length} in the trace`);
      await picture(page, "statistics-dark");
      await page.getByRole("button", { name: "Service", exact: true }).click();
      await page.waitForURL(/group=service/);
      assert.equal(await page.locator(".statistics tbody tr").count(), failed.services.length);
      await page.getByRole("columnheader", { name: "p95" }).getByRole("button").click();
      await page.waitForURL(/sort=-p95/);
      await page.locator(".statistics tbody button").first().click();
      await page.waitForSelector(".row.matched");
    },
    { colorScheme: "dark" },
  ));

test("the tree table sorts siblings, and shares the selection", () =>
  withPage(`${path}?view=table`, async (page) => {
    await page.waitForSelector(".tree-table-row.chosen, .tree-table-row:not(.head)");
    await page.getByRole("columnheader", { name: "Duration" }).getByRole("button").click();
    await page.waitForURL(/sort=-duration/);
    await page.waitForSelector('[aria-sort="descending"]');
    await page.keyboard.press("e");
    await page.locator(".tree-table-row.chosen").click();
    await page.waitForSelector(".panel");
    const chosen = await page.locator(".tree-table-row.chosen").getAttribute("id");
    await picture(page, "tree-table");
    await page.getByRole("tab", { name: "Waterfall" }).click();
    assert.equal(await page.locator(".row.chosen").getAttribute("id"), chosen);
  }));

test("statements and stacks are laid out, and shown as sent on demand", async () => {
  const sold = await findTrace('{ span.db.query.text =~ "UPDATE.* SET .*" }');
  await withPage(`/trace/${sold.traceId}?find=UPDATE`, async (page) => {
    await page.locator(".row.matched").first().click();
    const statement = page.locator(".code-block").first();
    const shown = await statement.locator("pre").textContent();
    assert.match(shown, /^UPDATE .+\nSET /);
    await statement.getByRole("button", { name: "As sent" }).click();
    const sent = await statement.locator("pre").textContent();
    assert.equal(sent.replace(/\s+/g, ""), shown.replace(/\s+/g, ""));
    assert.ok(!sent.includes("\n"));
  });
  // Two frames of a library, so that there is something to fold.
  const thrown = await findTrace('{ event.exception.stacktrace =~ "(?s).*net/http.*net/http.*" }');
  await withPage(`/trace/${thrown.traceId}?find=exception.stacktrace`, async (page) => {
    const folded = page.locator(".stack details").first();
    await page.locator(".row.matched").first().waitFor();
    for (const row of await page.locator(".row.matched").all()) {
      await row.click();
      await page.locator(".stack .own").first().waitFor();
      if (await folded.isVisible()) break;
    }
    await folded.locator("summary").click();
    await page.locator(".stack .library").first().waitFor();
    await picture(page, "stack");
  });
});

test("failures are listed where they began, and the trace can be saved", () =>
  withPage(`${path}?view=errors`, async (page) => {
    await page.locator(".error-list li button").first().click();
    await page.waitForSelector(".error-list li.chosen");
    await page.waitForSelector(".panel");
    await picture(page, "trace-errors");
    await page.getByText("Export", { exact: true }).click();
    for (const format of ["OTLP/JSON", "Jaeger JSON"]) {
      const [file] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("link", { name: format }).click(),
      ]);
      assert.match(file.suggestedFilename(), /^[0-9a-f]{32}\.(otlp|jaeger)\.json$/);
    }
  }));

test("names and panel are as wide as the reader left them", () =>
  withPage(path, async (page) => {
    await page.locator(".row").first().click();
    await page.waitForSelector(".panel");
    const widths = () =>
      page.locator('[role="separator"]').evaluateAll((all) => all.map((s) => Number(s.ariaValueNow)));
    const [names, panel] = await widths();
    await page.getByRole("separator", { name: "Width of the panel" }).focus();
    await page.keyboard.press("ArrowLeft");
    const splitter = await page.getByRole("separator", { name: "Width of the names" }).boundingBox();
    await page.mouse.move(splitter.x + 4, splitter.y + 10);
    await page.mouse.down();
    await page.mouse.move(splitter.x + 44, splitter.y + 10, { steps: 3 });
    await page.mouse.up();
    const after = await widths();
    assert.ok(after[0] > names && after[1] > panel, `${after} are wider than ${[names, panel]}`);
    await page.waitForURL(/span=/);
    await page.reload();
    await page.waitForSelector(".panel");
    assert.deepEqual(await widths(), after);
  }));

test("the services of a trace are a graph that shares selection and find", () =>
  withPage(`${path}?view=graph`, async (page) => {
    await page.waitForSelector(".map-labels .place");
    assert.equal(await page.locator(".map-labels .place").count(), failed.services.length);
    assert.ok((await page.locator(".trace-graph table tbody tr").count()) > 0);
    await picture(page, "trace-graph");
    const chosen = page.locator('.map-labels .place[aria-pressed="true"] .place-name');
    await page.locator(".map-labels .place").first().click();
    await page.waitForSelector(".panel");
    const first = await chosen.textContent();
    assert.equal(await page.locator(".panel h2 .service").textContent(), first);
    await page.locator(".panel").getByRole("button", { name: "Close" }).click();
    for (const key of ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"]) {
      await page.keyboard.press(key);
      if ((await chosen.textContent()) !== first) break;
    }
    assert.notEqual(await chosen.textContent(), first);
    await page.keyboard.press("/");
    await page.keyboard.type(failed.services[0].name);
    await page.locator(".find-count", { hasText: /\d/ }).waitFor();
  }));

test("a trace is compared with the typical one and with another, both ways", async () => {
  const alike = `{ rootServiceName = ${JSON.stringify(failed.rootService)} && rootName = ${JSON.stringify(failed.rootName)} }`;
  const other = await findTrace(alike, (t) => t.traceId !== failed.traceId && t.spanCount >= 8);
  await withPage(path, async (page) => {
    await page.locator(".summary").getByRole("button", { name: "Compare" }).click();
    await page.waitForURL(/with=typical/);
    await page.getByText(/^Compared with the average of [\d.k]+ traces? of/).waitFor();
    await picture(page, "compare-typical");
    await page.locator(".compare-name button").first().click();
    await page.waitForSelector(".panel");
    await page.waitForSelector(".compare-scroll tr.chosen");
    await page.getByRole("textbox", { name: "Trace ID to compare with" }).fill(`/trace/${other.traceId}?x`);
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.searchParams.get("with") === other.traceId);
    await page.locator(".compare-sentence a").waitFor();
    await picture(page, "compare");
    await page.getByRole("button", { name: "Swap" }).click();
    await page.waitForURL((url) => url.pathname.endsWith(other.traceId));
    await page.locator(".compare-sentence a").waitFor();
    await page.getByRole("button", { name: "End the comparison" }).click();
    await page.waitForSelector(".row");
  });
});

test("a trace that is not here says so", () =>
  withPage(
    "/trace/00000000000000000000000000000001",
    async (page) => {
      await page.getByRole("heading", { name: "This trace is not here" }).waitFor();
    },
    { allow: /404/ },
  ));
