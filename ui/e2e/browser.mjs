// What all browser tests share: the browser, pages that must stay clean, and what the API says is there.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";

/** Where kiseki runs. */
export const base = (process.env.BASE_URL ?? "http://127.0.0.1:16686").replace(/\/+$/, "");
/** Where screenshots go; none are taken without it. */
const screenshots = process.env.SCREENSHOTS;

let browser;

/** Starts the browser once. */
export async function openBrowser() {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}

export const closeBrowser = () => browser?.close();

/**
 * Runs `use` with a page of a new profile at a path. Fails if the page logs an error, throws, or asks another
 * host than kiseki for anything; `allow` names responses that the browser logs although they are expected, `at`
 * another kiseki.
 */
export async function withPage(path, use, options = {}) {
  const { allow, at = base, ...context } = options;
  const profile = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...context });
  const page = await profile.newPage();
  page.setDefaultTimeout(15_000);
  const complaints = [];
  page.on("console", (message) => {
    if (message.type() === "error" && !allow?.test(message.text()))
      complaints.push(`logged: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`threw: ${error.message}`));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(at).origin) complaints.push(`asked for ${request.url()}`);
  });
  try {
    await page.goto(at + path);
    await use(page, profile);
    assert.deepEqual(complaints, []);
  } finally {
    await profile.close();
  }
}

/** Takes a screenshot where they are wanted. */
export async function picture(page, name) {
  if (!screenshots) return;
  await mkdir(screenshots, { recursive: true });
  await page.screenshot({ path: join(screenshots, `${name}.png`) });
}

/** Asks the native API. */
export async function api(path, params = {}, at = base) {
  const response = await fetch(`${at}/api/kiseki/v1${path}?${new URLSearchParams(params)}`);
  assert.equal(response.status, 200, `${path}: ${await response.clone().text()}`);
  return response.json();
}

/** Asks until `found` returns something: spans may still be on their way. */
export async function until(what, found) {
  for (let attempt = 0; attempt < 120; attempt++) {
    const result = await found();
    if (result) return result;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`there is no ${what} after a minute`);
}

/** A trace that satisfies a query and, if given, a test of its summary. */
export const findTrace = (q, fits = () => true) =>
  until(`trace for ${q}`, async () => (await api("/traces", { q, limit: "100" })).traces.find(fits));
