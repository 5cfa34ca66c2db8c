// Zipkin's own UI, Lens, on kiseki's Zipkin API.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { base, closeBrowser, findTrace, openBrowser, picture, withPage } from "./browser.mjs";

const types = { ".js": "text/javascript", ".css": "text/css", ".png": "image/png", ".ico": "image/x-icon" };

let server;
let at;
let trace;

/** What a reverse proxy in front of both does: Lens' files below /zipkin/, its API from kiseki. */
async function proxy(request, response) {
  const path = new URL(request.url, at).pathname;
  if (path === "/zipkin/config.json" || path.startsWith("/zipkin/api/")) {
    const answer = await fetch(base + request.url);
    response.writeHead(answer.status, { "Content-Type": answer.headers.get("Content-Type") });
    Readable.fromWeb(answer.body).pipe(response);
    return;
  }
  const type = types[extname(path)];
  const file = type ? normalize(path.replace("/zipkin/", "/")) : "/index.html";
  try {
    const body = await readFile(join(process.env.LENS_DIR, file));
    response.writeHead(200, { "Content-Type": type ?? "text/html" }).end(body);
  } catch {
    response.writeHead(404).end();
  }
}

// The folder is printed by test/lens.sh, or the reason why there is none.
const options = { skip: process.env.LENS_DIR ? false : "LENS_DIR is not set" };

before(async () => {
  if (options.skip) return;
  server = createServer(proxy).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  at = `http://127.0.0.1:${server.address().port}`;
  await openBrowser();
  trace = await findTrace("{ status = error }", (t) => t.spanCount >= 8 && t.services.length >= 3);
});
after(async () => {
  await closeBrowser();
  server?.close();
});

test("a search by service lists its traces", options, () =>
  withPage(
    `/zipkin/?serviceName=${encodeURIComponent(trace.rootService)}&lookback=1h&limit=10&endTs=${Date.now()}`,
    async (page) => {
      const rows = page.getByText(`${trace.rootService}: `);
      await rows.nth(9).waitFor();
      assert.equal(await rows.count(), 10);
      await picture(page, "lens-search");
    },
    { at },
  ),
);

test("a trace shows its spans, their tags and what failed", options, () =>
  withPage(
    `/zipkin/traces/${trace.traceId}`,
    async (page) => {
      for (const shown of ["otel.status_code", "ERROR", "Annotation"])
        await page.getByText(shown, { exact: true }).first().waitFor();
      assert.ok((await page.textContent("body")).includes(`Total Spans${trace.spanCount}`));
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
