// Zipkin's own UI, Lens, on kiseki's Zipkin API.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { closeBrowser, findTrace, openBrowser, picture, withPage } from "./browser.mjs";
import { startProxy } from "./proxy.mjs";

let server;
let at;
let trace;

// The folder is printed by test/lens.sh, or the reason why there is none.
const options = { skip: process.env.LENS_DIR ? false : "LENS_DIR is not set" };

before(async () => {
  if (options.skip) return;
  ({ server, at } = await startProxy({
    dir: process.env.LENS_DIR,
    fileOf: (path) => path.replace("/zipkin/", "/"),
    isAPI: (path) => path === "/zipkin/config.json" || path.startsWith("/zipkin/api/"),
  }));
  await openBrowser();
  trace = await findTrace(
    "{ span:parentID = nil }",
    (t) => t.spanCount >= 8 && t.services.length >= 3 && !t.rootMissing,
  );
});
after(async () => {
  await closeBrowser();
  server?.close();
});

test("a search by service lists its traces", options, () =>
  withPage(
    `/zipkin/?serviceName=${encodeURIComponent(trace.rootService)}&lookback=1h&limit=10&endTs=${Date.now()}`,
    async (page) => {
      // A trace is listed by its root; in some of them the service is not that.
      const rows = page.getByText(`${trace.rootService}: `);
      await rows.first().waitFor();
      const listed = await rows.count();
      assert.ok(listed >= 1 && listed <= 10, `${listed} rows`);
      await picture(page, "lens-search");
    },
    { at },
  ),
);

test("a trace shows its spans", options, () =>
  withPage(
    `/zipkin/traces/${trace.traceId}`,
    async (page) => {
      await page.getByText("Total Spans").first().waitFor();
      assert.match(await page.textContent("body"), /Total Spans\d+/);
      await picture(page, "lens-trace");
    },
    { at },
  ),
);

test("dependencies are drawn between the services", options, () =>
  withPage(
    "/zipkin/dependency",
    async (page) => {
      const answer = page.waitForResponse((r) => r.url().includes("/api/v2/dependencies"));
      await page.getByRole("button", { name: "Run Query" }).click();
      const links = await (await answer).json();
      assert.ok(links.some((l) => l.parent === trace.rootService));
      await page.locator("canvas").first().waitFor();
      await picture(page, "lens-dependency");
    },
    { at },
  ),
);
