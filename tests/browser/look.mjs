// Logs in where there is a form, opens pages in headless Chromium, and tells what the browser complained about.
// usage: node look.mjs NODE_MODULES CHROMIUM BASE_URL EMAIL PASSWORD "PATH SELECTOR"...
import { createRequire } from 'node:module';
import path from 'node:path';

const [modules, executablePath, base, email, password, ...pages] = process.argv.slice(2);
const { chromium } = createRequire(path.join(path.resolve(modules), 'x.js'))('playwright-core');
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-background-networking'] });
const told = { complaints: [], foreign: [], overflow: {}, found: {} };
try {
  for (const width of [360, 1280]) {
    const page = await (await browser.newContext({ viewport: { width, height: 800 } })).newPage();
    page.on('pageerror', (error) => told.complaints.push(error.message));
    page.on('console', (message) => /error|warning/.test(message.type()) && told.complaints.push(message.text()));
    page.on('request', (request) => /^(data|blob):/.test(request.url()) || request.url().startsWith(base)
      || told.foreign.push(request.url()));
    await page.goto(`${base}/sign-in`);
    await page.fill('[name=username]', email);
    await page.fill('[name=password]', password);
    await page.click('main .button');
    for (const entry of pages) {
      const [where, selector] = entry.split(' ');
      await page.goto(base + where);
      await page.waitForSelector(selector, { timeout: 60_000 });
      await page.waitForTimeout(300);
      told.found[where] = await page.locator(selector).count();
      told.overflow[`${where} ${width}`] = await page.evaluate(
        () => document.documentElement.scrollWidth - window.innerWidth);
    }
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(told));
