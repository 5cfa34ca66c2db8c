// Takes the pictures of README and docs from a kiseki that is fed by the demo: node e2e/screenshots.mjs FOLDER.

import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { closeBrowser, findTrace, openBrowser, withPage } from "./browser.mjs";

const [folder = "../docs/images"] = process.argv.slice(2);
/** A picture larger than this is too heavy for a page of text. */
const MOST_BYTES = 200_000;

async function take(name, path, ready, act = async () => {}, look = {}) {
  await withPage(
    path,
    async (page) => {
      await page.locator(ready).first().waitFor();
      await act(page);
      // Pictures are of what stays, not of what is on its way.
      await page.waitForLoadState("networkidle");
      await page.waitForTimeout(500);
      const file = join(folder, `${name}.png`);
      await page.screenshot({ path: file });
      const { size } = await stat(file);
      console.log(`${name}.png  ${Math.round(size / 1000)} kB`);
      if (size > MOST_BYTES) throw new Error(`${name}.png has ${size} bytes, more than ${MOST_BYTES}`);
    },
    { viewport: { width: 1280, height: 800 }, colorScheme: "light", locale: "en-US", ...look },
  );
}

await mkdir(folder, { recursive: true });
await openBrowser();
try {
  // One that failed, was tried again and went on, as the demo has many: not too long to be seen whole.
  const { traceId } = await findTrace(
    '{ resource.service.name = "payment" && status = error }',
    (t) => t.spanCount >= 30 && t.spanCount <= 80 && t.services.length >= 7,
  );
  const failing = `/search?range=15m&q=${encodeURIComponent("{ status = error }")}&diff=query`;
  const toTheError = async (page) => {
    await page.locator(".row").nth(2).click();
    await page.keyboard.press("e");
    await page.keyboard.press("Enter");
    await page.locator(".attribute").first().waitFor();
    await page.evaluate(() => document.activeElement.blur());
  };
  await take("overview-light", "/?range=15m", "tbody tr", undefined, {
    viewport: { width: 1280, height: 680 },
  });
  await take("search-light", failing, ".result", (page) => page.locator(".different-key").waitFor());
  await take("trace-light", `/trace/${traceId}`, ".row", toTheError);
  await take("trace-dark", `/trace/${traceId}`, ".row", toTheError, { colorScheme: "dark" });
  await take("map-light", "/map?range=15m", ".place", undefined, { viewport: { width: 1440, height: 900 } });
} finally {
  await closeBrowser();
}
