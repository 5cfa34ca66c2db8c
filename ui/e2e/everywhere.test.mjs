// What holds on every page: in both themes and languages, on a phone, with the keyboard, and when kiseki is silent.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible } from "./axe.mjs";
import { api, closeBrowser, openBrowser, picture, withPage } from "./browser.mjs";
import { everyPage } from "./pages.mjs";

/** Kilobytes of JavaScript, compressed, that the first page may need. */
const MOST_SCRIPT = 300;

let pages;

before(async () => {
  await openBrowser();
  pages = await everyPage();
});
after(closeBrowser);

/** Texts of the frame and the pages, not those of spans. */
const words = (page) =>
  page.evaluate(() => {
    const shown = (e) =>
      e.checkVisibility() &&
      !e.closest(
        "code, pre, .mono, [lang]:not(html), tbody, .row, .option, .place, .different-body, .event-row:not(.head)",
      );
    const texts = [
      ...document.querySelectorAll("h1, h2, h3, p, button, label, th, legend, dt, option, summary, nav a"),
    ]
      .filter(shown)
      .map((e) => e.textContent);
    const hints = [...document.querySelectorAll("[aria-label], [title], [placeholder]")]
      .filter(shown)
      .flatMap((e) => ["aria-label", "title", "placeholder"].map((name) => e.getAttribute(name)));
    return [...texts, ...hints].filter(Boolean).map((s) => s.trim());
  });

const said = new Map();

/** Reads every page in one look; `check` gets the name of each and its page. */
const readAll = (look, check) =>
  withPage(
    "/welcome",
    async (page) => {
      for (const [name, { path, ready }] of Object.entries(pages)) {
        await page.goto(new URL(path, page.url()).href);
        await page.locator(ready).first().waitFor();
        await page.waitForFunction(() => !document.querySelector(".late"));
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(wide <= 0, `${name} is ${wide} px wider than the screen`);
        assert.match(await page.title(), /. · kiseki$/, name);
        await assertAccessible(page, name);
        await check(name, page);
      }
    },
    { allow: /404/, ...look },
  );

test("every page is accessible, fits and has a title: light, English, on a desk", () =>
  readAll({ locale: "en-US", colorScheme: "light" }, async (name, page) => {
    said.set(name, new Set(await words(page)));
  }));

test("every page is accessible, fits and is translated: dark, Japanese, on a phone", async () => {
  const { operations } = await api("/operations");
  const services = [...new Set(operations.map((o) => o.service))];
  const isData = (s) => services.some((name) => s.startsWith(name)) || operations.some((o) => o.name === s);
  // Names and terms that Japanese engineers write in Latin letters too.
  const term =
    /^(kiseki|nobody|curl|Go|Node\.js|Python|Java|\.NET|Ruby|Collector|OTLP|HTTP|gRPC|JSON|CSV|UTC|Ctrl K|p\d+)$/;
  const look = { locale: "ja-JP", colorScheme: "dark", viewport: { width: 390, height: 844 } };
  await readAll(look, async (name, page) => {
    const left = (await words(page)).filter(
      (s) => said.get(name).has(s) && /[A-Za-z]{3}/.test(s) && !isData(s) && !term.test(s),
    );
    assert.deepEqual(left, [], name);
  });
});

test("the first page needs little", () =>
  withPage("/", async (page) => {
    await page.locator("tbody tr").first().waitFor();
    const { script, interactive } = await page.evaluate(() => ({
      script: performance
        .getEntriesByType("resource")
        .filter((r) => r.name.endsWith(".js"))
        .reduce((sum, r) => sum + r.encodedBodySize, 0),
      interactive: performance.now(),
    }));
    console.log(`first load: ${Math.round(script / 1000)} kB of compressed JavaScript`);
    console.log(`overview with its figures after at most ${Math.round(interactive)} ms`);
    assert.ok(script > 0 && script <= MOST_SCRIPT * 1000, `${script} bytes of JavaScript`);
  }));

test("the keyboard reaches everything, and what has the focus can be seen", () =>
  withPage(pages.search.path, async (page) => {
    await page.locator(".result").first().waitFor();
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
    assert.ok((await page.locator(".skip").boundingBox()).x >= 0);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => document.querySelector("#main").contains(document.activeElement)));

    await page.goto(page.url().split("#")[0]);
    await page.locator(".result").first().waitFor();
    const reached = [];
    for (let i = 0; i < 14; i++) {
      await page.keyboard.press("Tab");
      const focus = await page.evaluate(() => {
        const e = document.activeElement;
        const style = getComputedStyle(e);
        const box = getComputedStyle(e.closest("label, .query-box") ?? e);
        return {
          name: e.getAttribute("aria-label") ?? e.textContent.trim(),
          seen: [style, box].some((s) => s.outlineStyle !== "none" || s.boxShadow !== "none"),
          top: e.getBoundingClientRect().top,
        };
      });
      assert.ok(focus.seen, `no focus to be seen on ${focus.name}`);
      reached.push(focus.name);
    }
    for (const name of ["Overview", "Search", "Map", "Status"]) assert.ok(reached.includes(name), name);

    await page.keyboard.press("Control+k");
    await page.locator("dialog.palette[open]").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("dialog.palette").waitFor({ state: "detached" });
    assert.equal(
      await page.evaluate(
        () => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent.trim(),
      ),
      reached.at(-1),
      "the focus is back where it was",
    );
  }));

test("the help sheet opens with ?, and its keys do what it says", () =>
  withPage(pages.search.path, async (page) => {
    await page.locator(".result").first().waitFor();
    await page.keyboard.press("?");
    await page.locator("dialog.sheet[open]").waitFor();
    await assertAccessible(page);
    await picture(page, "help");
    await page.keyboard.press("Escape");
    await page.locator("dialog.sheet").waitFor({ state: "detached" });
    await page.keyboard.press("/");
    assert.ok(
      await page.evaluate(() => document.activeElement.matches("input, textarea, [contenteditable]")),
    );
    await page.keyboard.press("Escape");
    await page.locator(".result").first().focus();
    const again = page.waitForRequest(/\/traces\?/);
    await page.keyboard.press("r");
    await again;
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/trace\//);
  }));

test("Back leads to what was there", () =>
  withPage(pages.overview.path, async (page) => {
    await page.locator("tbody tr a").first().click();
    await page.waitForURL(/\/service\//);
    await page.locator(".chart canvas").first().waitFor();
    await page.goBack();
    await page.locator("tbody tr a").first().waitFor();
    assert.ok(page.url().endsWith(pages.overview.path), page.url());
    await page.goto(new URL(pages.search.path, page.url()).href);
    await page.locator(".result").first().click();
    await page.waitForURL(/\/trace\//);
    await page.locator(".row").first().waitFor();
    await page.goBack();
    await page.locator(".result").first().waitFor();
    assert.ok(page.url().endsWith(pages.search.path), page.url());
  }));

test("asking anew keeps the place and the mark", () =>
  withPage(
    pages.overview.path,
    async (page) => {
      await page.locator("tbody tr a").nth(3).focus();
      await page.evaluate(() => document.querySelector("#main").scrollTo(0, 90));
      const place = () =>
        page.evaluate(() => [document.querySelector("#main").scrollTop, document.activeElement.textContent]);
      const was = await place();
      const answered = page.waitForResponse(/\/api\//);
      await page.evaluate(() => document.querySelector(".time-controls > button").click());
      await answered;
      await page.waitForTimeout(500);
      assert.deepEqual(await place(), was);
    },
    { viewport: { width: 1024, height: 400 } },
  ));

test("a search that takes long can be ended, and its request ends with it", () =>
  withPage("/welcome", async (page) => {
    await page.route(/\/traces\?/, () => {});
    const ended = page.waitForEvent("requestfailed", (r) => /\/traces\?/.test(r.url()));
    await page.evaluate(() => document.querySelector('nav a[href^="/search"]').click());
    await page.getByRole("button", { name: "Cancel" }).click();
    assert.match((await ended).failure().errorText, /ABORTED/);
    await page.getByText("cancelled").waitFor();
  }));

test("a kiseki that is silent or refuses is told about on every page, and asked again on demand", () =>
  withPage(
    "/welcome",
    async (page) => {
      await page.locator(".snippets").waitFor();
      const refused = {
        status: 503,
        contentType: "application/problem+json",
        body: JSON.stringify({ title: "kiseki is busy", status: 503, detail: "Too many queries run." }),
      };
      for (const [told, answer] of [
        ["kiseki does not answer", (route) => route.abort("connectionrefused")],
        ["kiseki is busy", (route) => route.fulfill(refused)],
      ]) {
        let asked = 0;
        await page.route("**/api/**", (route) => {
          asked++;
          return answer(route);
        });
        for (const name of [
          "overview",
          "service",
          "map",
          "search",
          "metrics",
          "waterfall",
          "status",
          "welcome",
        ]) {
          await page.goto(new URL(pages[name].path, page.url()).href);
          await page.getByText(told).first().waitFor();
          // Polling and a second try are fine, a loop is not.
          const before = asked;
          await page.waitForTimeout(400);
          assert.ok(asked - before < 40, `${name} asks again and again`);
        }
        await page.unroute("**/api/**");
        await page.goto(new URL(pages.overview.path, page.url()).href);
        await page.locator("tbody tr").first().waitFor();
      }
      await page.route("**/api/**", (route) => route.fulfill(refused));
      await page.goto(new URL(pages.overview.path, page.url()).href);
      const retry = page.getByRole("button", { name: "Try again" });
      await retry.waitFor();
      await page.unroute("**/api/**");
      await retry.click();
      await page.locator("tbody tr").first().waitFor();
    },
    { allow: /Failed to load resource/ },
  ));
