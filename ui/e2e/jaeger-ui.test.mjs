// Jaeger's own UI on kiseki's Jaeger APIs: a version from before it gave up the older API for searches and one
// from after that.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { closeBrowser, findTrace, openBrowser, picture, until, withPage } from "./browser.mjs";
import { startProxy } from "./proxy.mjs";

let trace;

before(async () => {
  if (!process.env.JAEGER_UI_OLD_DIR && !process.env.JAEGER_UI_NEW_DIR) return;
  await openBrowser();
  trace = await findTrace("{ status = error }", (t) => t.spanCount >= 8 && t.services.length >= 3);
});
after(closeBrowser);

/** What Jaeger's server writes into the page: that there are metrics, and a menu entry for them. */
const configured = (html) =>
  html
    .replace(
      "JAEGER_STORAGE_CAPABILITIES = DEFAULT_STORAGE_CAPABILITIES",
      "JAEGER_STORAGE_CAPABILITIES = { metricsStorage: true }",
    )
    .replace("JAEGER_CONFIG = DEFAULT_CONFIG", "JAEGER_CONFIG = { monitor: { menuEnabled: true } }");

// The folders are printed by test/jaeger-ui.sh, or the reason why there is none.
for (const [name, searches] of [
  ["JAEGER_UI_OLD_DIR", "/api/traces"],
  ["JAEGER_UI_NEW_DIR", "/api/v3/trace-summaries"],
]) {
  const dir = process.env[name];
  test(name, { skip: dir ? false : `${name} is not set` }, async (t) => {
    const asked = new Set();
    const { server, at } = await startProxy({
      dir,
      isAPI: (path) => path.startsWith("/api/") && asked.add(path),
      // The newer page sets its <base> in a script, and until then the browser looks beside the page.
      fileOf: (path) => path.slice(Math.max(0, path.lastIndexOf("/static/"))),
      index: configured,
    });
    t.after(() => server.close());

    await t.test("a search lists traces", () => {
      const end = Date.now() * 1000;
      const query = new URLSearchParams({
        service: trace.services.find((s) => s.errorCount > 0).name,
        tags: '{"error":"true"}',
        limit: "5",
        lookback: "1h",
        start: String(end - 3_600_000_000),
        end: String(end),
      });
      return withPage(
        `/search?${query}`,
        async (page) => {
          await page
            .getByText(/\d Errors?/)
            .first()
            .waitFor();
          assert.ok(asked.has(searches), [...asked].join(" "));
          await picture(page, `${name}-search`);
        },
        { at },
      );
    });

    await t.test("a trace shows its spans and their tags", () =>
      withPage(
        `/trace/${trace.traceId}`,
        async (page) => {
          await page.getByText(`${trace.rootService}: ${trace.rootName}`).first().waitFor();
          assert.match(await page.textContent("body"), new RegExp(`Total Spans\\s*${trace.spanCount}`));
          await page.getByText(trace.rootName, { exact: true }).last().click();
          await page.getByText("span.kind").first().waitFor();
          await picture(page, `${name}-trace`);
        },
        { at },
      ),
    );

    await t.test("dependencies are drawn between the services", () =>
      withPage(
        "/dependencies",
        async (page) => {
          for (const s of trace.services) await page.getByText(s.name, { exact: true }).first().waitFor();
          await picture(page, `${name}-dependencies`);
        },
        { at },
      ),
    );

    await t.test("the monitor lists what a service does", () =>
      withPage(
        "/monitor?service=frontend",
        async (page) => {
          await page.getByText("req/s").first().waitFor();
          for (const m of ["latencies", "calls", "errors"]) {
            await until(`request for ${m}`, () => asked.has(`/api/metrics/${m}`));
          }
          await picture(page, `${name}-monitor`);
        },
        { at },
      ),
    );
  });
}
