// Traces of 100,000 and of a million spans: how soon they open, whether they scroll and zoom without a stutter, and
// that nothing of them is lost. Figures are printed; what is asserted is generous, for machines are busy.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, base, closeBrowser, openBrowser, picture, until, withPage } from "./browser.mjs";
import { sendGiant } from "./giant.mjs";

/** Sizes in spans with milliseconds that opening may take on a busy machine. */
const SIZES = (process.env.GIANT_SPANS ?? "100000,1000000").split(",").map(Number);
const MOST_TO_OPEN = 30_000;
const FRAMES = 150;

before(openBrowser);
after(closeBrowser);

const idOf = (size) => `9${String(size).padStart(31, "0")}`;
const known = async (path) => (await fetch(`${base}/api/kiseki/v1${path}`)).ok;

/** Sends the trace, unless it was by an earlier run. */
async function prepare(size) {
  const traceId = idOf(size);
  if (await known(`/traces/${traceId}/outline?spans=1`)) return traceId;
  const { endpoints } = await api("/status");
  await sendGiant(endpoints.otlpHttp.replace(/\/v1\/traces$/, ""), size, traceId, Date.now() - 600_000);
  await until(
    "giant trace",
    async () => (await api(`/traces/${traceId}/outline`, { spans: "1" })).totalSpans === size,
  );
  return traceId;
}

/** Notes when the first rows are on the screen, in milliseconds after the start of the navigation. */
const watch = () => {
  const rows = new MutationObserver(() => {
    if (!document.querySelector(".row")) return;
    rows.disconnect();
    requestAnimationFrame(() => setTimeout(() => (window.rowsShown = performance.now()), 0));
  });
  document.addEventListener("DOMContentLoaded", () =>
    rows.observe(document.body, { childList: true, subtree: true }),
  );
};

/** Milliseconds from one frame to the next while `act` is called in each. */
const frames = (page, act) =>
  page.evaluate(
    async ([count, source]) => {
      const act = new Function("list", "n", source);
      const list = document.querySelector(".waterfall-scroll");
      const times = [];
      await new Promise((done) => {
        const step = () => {
          times.push(performance.now());
          act(list, times.length);
          if (times.length < count) requestAnimationFrame(step);
          else done();
        };
        requestAnimationFrame(step);
      });
      return times.slice(1).map((t, i) => t - times[i]);
    },
    [FRAMES, act],
  );

const quantile = (values, q) => values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))];
const told = (values) =>
  `p50 ${quantile(values, 0.5).toFixed(1)} ms, p95 ${quantile(values, 0.95).toFixed(1)} ms`;

const SCROLL = "list.scrollTop += 400";
const ZOOM = `
  const { left, width, top } = list.getBoundingClientRect();
  list.dispatchEvent(new WheelEvent("wheel", { deltaY: n % 100 < 50 ? -30 : 30, ctrlKey: true, bubbles: true,
    cancelable: true, clientX: left + width * 0.6, clientY: top + 100 }));`;

for (const size of SIZES) {
  test(`a trace of ${size.toLocaleString("en")} spans opens, scrolls and zooms`, async () => {
    const traceId = await prepare(size);
    const opens = [];
    for (let run = 0; run < 3; run++) {
      await withPage("/status", async (page) => {
        await page.addInitScript(watch);
        await page.goto(`${base}/trace/${traceId}`, { waitUntil: "commit" });
        await page.waitForFunction(() => window.rowsShown, null, { timeout: MOST_TO_OPEN });
        opens.push(await page.evaluate(() => window.rowsShown));
        if (run < 2) return;
        await page.waitForTimeout(500);
        await picture(page, `giant-${size}`);
        const scroll = await frames(page, SCROLL);
        const zoom = await frames(page, ZOOM);
        console.log(`giant ${size} spans: opens in ${opens.map((t) => Math.round(t)).join(", ")} ms`);
        console.log(
          `giant ${size} spans: frames while scrolling ${told(scroll)}; while zooming ${told(zoom)}`,
        );
        assert.ok(quantile(scroll, 0.5) < 1000 && quantile(zoom, 0.5) < 1000, "the page moves");
      });
    }
  });

  test(`what ${size.toLocaleString("en")} spans carry is found, and shown when a span is chosen`, async () => {
    const traceId = await prepare(size);
    await withPage(`/trace/${traceId}`, async (page) => {
      await page.waitForSelector(".row");
      await page.getByRole("searchbox", { name: "Find in trace" }).fill("item-1234");
      await page.locator(".find-count", { hasText: /found/ }).waitFor();
      await page.keyboard.press("Enter");
      await page.locator(".row.chosen.matched").waitFor();
      await page.locator(".row.chosen").click();
      await page
        .locator(".panel .attribute", { hasText: /item-1234/ })
        .first()
        .waitFor();
      await picture(page, `giant-${size}-span`);
    });
  });
}

const LARGEST = Math.max(...SIZES);
const outlined = (traceId, params = {}) => api(`/traces/${traceId}/outline`, params);
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

test("what is shown and what is left out add up, and what was left out comes when it is asked for", async () => {
  const traceId = await prepare(LARGEST);
  const { totalSpans, spans, left, services } = await outlined(traceId, { spans: "1000" });
  assert.equal(totalSpans, LARGEST);
  assert.equal(spans.parent.length + sum(left.spans), LARGEST);
  assert.equal(sum(services.spans), LARGEST);
  if (LARGEST <= 100_000) return;
  await withPage(`/trace/${traceId}`, async (page) => {
    const first = page.locator(".left-below").first();
    await first.waitFor();
    const id = await first.evaluate((button) => button.closest(".row").id);
    const label = `#${id} .left-below`;
    await first.click();
    await page.locator(label).waitFor({ state: "detached" });
    assert.ok(await page.locator(`#${id}`).isVisible(), "the row is where it was");
    await picture(page, `giant-${LARGEST}-expanded`);
    // Zooming to a moment asks for the spans of that moment.
    const map = await page.locator(".minimap").boundingBox();
    const more = page.waitForResponse((r) => /\/outline\?below=.*start=/.test(r.url()));
    await page.mouse.move(map.x + map.width * 0.5, map.y + 20);
    await page.mouse.down();
    await page.mouse.move(map.x + map.width * 0.503, map.y + 20, { steps: 3 });
    await page.mouse.up();
    assert.equal((await more).status(), 200);
    await picture(page, `giant-${LARGEST}-zoomed`);
  });
});
