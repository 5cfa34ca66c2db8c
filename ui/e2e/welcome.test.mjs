import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { api, closeBrowser, openBrowser, picture, withPage } from "./browser.mjs";

const at = process.env.EMPTY_URL?.replace(/\/+$/, "");
const otlp = process.env.EMPTY_OTLP_HTTP?.replace(/\/+$/, "");

before(openBrowser);
after(closeBrowser);

test("the first run: without a span the page says how to send one, and sees the one its own line sends", async () => {
  assert.ok(at && otlp, "EMPTY_URL and EMPTY_OTLP_HTTP must name a kiseki that has no span");
  assert.equal((await api("/status", {}, at)).spanCount, 0, `${at} has spans; the first run needs a new one`);
  await withPage(
    "/",
    async (page) => {
      await page.getByRole("heading", { name: "Waiting for the first span" }).waitFor();
      assert.equal(await page.locator(".endpoints code").first().textContent(), otlp);
      await picture(page, "welcome");
      await page.locator(".snippets").getByRole("button", { name: "Copy" }).click();
      await page.locator(".snippets").getByRole("button", { name: "Copied" }).waitFor();
      const line = await page.evaluate(() => navigator.clipboard.readText());
      assert.ok(line.startsWith(`curl ${otlp}/v1/traces`), line);
      await promisify(execFile)("bash", ["-c", line.replace(/^curl/, "curl --fail --silent --show-error")]);
      const id = /"traceId": "([0-9a-f]{32})"/.exec(line)[1];
      await page.getByRole("heading", { name: "The first span has arrived." }).waitFor();
      await picture(page, "welcome-arrived");
      await page.waitForURL(`${at}/search`);
      await page.locator(`.result[href="/trace/${id}"]`).getByText("GET /hello").waitFor();
      assert.equal(await page.locator(".result").count(), 1);
      await picture(page, "search-first");
    },
    { at, permissions: ["clipboard-read", "clipboard-write"] },
  );
});
