// Zipkin's own UI, Lens, on kiseki's Zipkin API.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, base, closeBrowser, findTrace, openBrowser, picture, withPage } from "./browser.mjs";
import { startProxy } from "./proxy.mjs";

let server;
let at;
let trace;

/** After so many milliseconds all spans of a trace of the demo have arrived. */
const settled = 15_000;

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
  // One whose root failed and has events, which is what Lens opens, and of which nothing is on its way any more.
  trace = await findTrace(
    "{ span:parentID = nil && status = error && event:name != nil }",
    (t) =>
      t.spanCount >= 8 &&
      t.services.length >= 3 &&
      !t.rootMissing &&
      Number(t.startTimeUnixNano) / 1e6 < Date.now() - settled,
  );
});
after(async () => {
  await closeBrowser();
  server?.close();
});

test("a search by service lists its traces", options, () => {
  const query = { serviceName: trace.rootService, limit: 10, endTs: Date.now() - settled };
  return withPage(
    `/zipkin/?${new URLSearchParams({ ...query, lookback: "1h" })}`,
    async (page) => {
      const answer = await fetch(
        `${base}/zipkin/api/v2/traces?${new URLSearchParams({ ...query, lookback: 3_600_000 })}`,
      );
      const roots = (await answer.json()).map((spans) => spans.find((s) => !s.parentId));
      const ofService = roots.filter((r) => r?.localEndpoint?.serviceName === trace.rootService).length;
      assert.ok(ofService > 0);
      // A trace is listed by its root; in some of them the service is not that.
      const rows = page.getByText(`${trace.rootService}: `);
      await rows.nth(ofService - 1).waitFor();
      assert.equal(await rows.count(), ofService);
      await picture(page, "lens-search");
    },
    { at },
  );
});

test("a trace shows its spans, their tags and what failed", options, () =>
  withPage(
    `/zipkin/traces/${trace.traceId}`,
    async (page) => {
      for (const shown of ["otel.status_code", "ERROR", "Annotation"])
        await page.getByText(shown, { exact: true }).first().waitFor();
      const { resourceSpans } = await api(`/traces/${trace.traceId}`);
      const spans = resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans)).length;
      assert.match(await page.textContent("body"), new RegExp(`Total Spans${spans}(?!\\d)`));
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
