// Opens a page in headless Chromium without a network and tells what happened, as one line of JSON.
// usage: node open_page.mjs NODE_MODULES CHROMIUM URL WIDTH SCREENSHOT.png
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

const [modules, executablePath, url, width, screenshot] = process.argv.slice(2);
const { chromium } = createRequire(path.join(path.resolve(modules), 'x.js'))('playwright-core');
const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'chromium-'));
const args = ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--use-gl=angle', '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1'];
const browser = await chromium.launchPersistentContext(profile, {
  executablePath, headless: true, args, viewport: { width: Number(width), height: 900 },
});
const told = { errors: [], requests: [] };
try {
  const page = await browser.newPage();
  page.on('pageerror', (error) => told.errors.push(error.message));
  page.on('console', (message) => message.type() === 'error' && told.errors.push(message.text()));
  page.on('request', (request) => /^(data|blob):/.test(request.url()) || told.requests.push(request.url()));
  await page.goto(url);
  await page.waitForFunction(() => document.querySelector('model-viewer')?.loaded, null, { timeout: 90_000 });
  await page.evaluate(() => document.querySelector('model-viewer').pause());
  await page.waitForTimeout(1500);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.screenshot({ path: screenshot, fullPage: true });
  Object.assign(told, await page.evaluate(() => {
    const viewer = document.querySelector('model-viewer'), { x, y, z } = viewer.getDimensions();
    return { dimensions: [x, y, z], overflow: document.documentElement.scrollWidth - window.innerWidth };
  }));
} finally {
  await browser.close();
  fs.rmSync(profile, { recursive: true, force: true });
}
console.log(JSON.stringify(told));
