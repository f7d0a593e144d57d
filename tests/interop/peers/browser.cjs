// A Chromium that does what it is told, driven by Playwright; orders on stdin, answers on stdout, as one JSON a line.
//
//     node browser.cjs
//
// Orders name a page by a word of the test's own:
//
//     {"do": "open", "page": P, "url": URL, "library": FILE}   opens a page; FILE, if any, takes the place of wamp.js
//     {"do": "fill" | "choose", "page": P, "at": CSS, "text": TEXT}
//     {"do": "click", "page": P, "at": CSS}
//     {"do": "expect", "page": P, "at": CSS, "text": TEXT}     waits until the element's text is this
//     {"do": "run", "page": P, "file": FILE, "args": [...]}    evaluates a function in the page, answers what it returns
//     {"do": "close", "page": P}
//     {"do": "errors"}                                         what went wrong on any page since the last time
//
// Each is answered by {"done": ...} or {"failed": WHY, "errors": [...]}.

const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const { drive, say } = require("./driver.cjs");

const { chromium } = createRequire(process.cwd() + "/")("playwright-core");

/** How long a page may take to show what is waited for. Generous: CI shares its two cores. */
const DEADLINE_MS = 25_000;

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const pages = new Map();
let errors = [];

const textOf = ([at]) => document.querySelector(at)?.innerText.replace(/\s+/g, " ").trim();
const hasText = ([at, text]) => document.querySelector(at)?.innerText.replace(/\s+/g, " ").trim() === text;

function watch(page, name) {
  page.setDefaultTimeout(DEADLINE_MS);
  page.on("pageerror", (error) => errors.push(`${name}: ${error}`));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(`${name}: ${message.text()}`);
  });
}

const orders = (context) => ({
  async open({ page: name, url, library }) {
    const page = await context.newPage();
    pages.set(name, page);
    watch(page, name);
    if (library) {
      const body = readFileSync(library);
      await page.route("**/wamp.js", (route) => route.fulfill({ contentType: "text/javascript", body }));
    }
    await page.goto(url);
    return { done: true };
  },
  async fill({ page, at, text }) {
    await pages.get(page).fill(at, text);
    return { done: true };
  },
  async choose({ page, at, text }) {
    await pages.get(page).selectOption(at, text);
    return { done: true };
  },
  async click({ page, at }) {
    await pages.get(page).click(at);
    return { done: true };
  },
  async expect({ page: name, at, text }) {
    const page = pages.get(name);
    await page.waitForFunction(hasText, [at, text]).catch(async () => {
      throw new Error(`${name} has ${JSON.stringify(await page.evaluate(textOf, [at]))} at ${at}, not "${text}"`);
    });
    return { done: true };
  },
  async run({ page, file, args }) {
    const done = await pages.get(page).evaluate(`(${readFileSync(file, "utf8")})(...${JSON.stringify(args)})`);
    return { done };
  },
  async close({ page }) {
    await pages.get(page).close();
    pages.delete(page);
    return { done: true };
  },
  async errors() {
    // What a page has complained about by now is told before the page answers.
    await Promise.all([...pages.values()].map((page) => page.evaluate("0")));
    const done = errors;
    errors = [];
    return { done };
  },
  failure: (error) => ({ failed: error.message, errors }),
});

(async () => {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  say({ ready: browser.version() });
  await drive(orders(await browser.newContext()), false);
  await browser.close();
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
