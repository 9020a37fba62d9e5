#!/usr/bin/env node
// node render.mjs --dashboard d.json --prometheus http://127.0.0.1:9090 --out d.png [options]; see README.md
import http from 'node:http';
import fs from 'node:fs';
import path from 'node:path';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const here = import.meta.dirname;
const { values: a } = parseArgs({ options: {
  dashboard: { type: 'string' }, prometheus: { type: 'string', default: 'http://127.0.0.1:9090' }, out: { type: 'string' }, report: { type: 'string' },
  from: { type: 'string' }, to: { type: 'string' }, timezone: { type: 'string', default: 'utc' }, theme: { type: 'string', default: 'dark' },
  width: { type: 'string', default: '1600' }, scale: { type: 'string', default: '1' }, var: { type: 'string', multiple: true, default: [] },
  'expand-rows': { type: 'boolean', default: false }, 'scrape-interval': { type: 'string', default: '15s' }, timeout: { type: 'string', default: '60' },
  panels: { type: 'string' }, 'allow-no-data': { type: 'string', multiple: true, default: [] }, chromium: { type: 'string' },
  serve: { type: 'boolean', default: false },
} });
if (!a.dashboard) { console.error('usage: render.mjs --dashboard FILE --out PNG [--prometheus URL] [--report JSON] [--from now-24h --to now] [--var name=value]... [--expand-rows] [--panels DIR] [--allow-no-data REGEX]...'); process.exit(2); }

// The first browser of the path.
function browser() {
  const found = ['chromium', 'chromium-browser', 'google-chrome']
    .flatMap((name) => (process.env.PATH ?? '').split(path.delimiter).map((folder) => path.join(folder, name)))
    .find((file) => fs.existsSync(file));
  if (!found) { throw new Error('no chromium, chromium-browser or google-chrome in the path'); }
  return found;
}

const dist = path.join(here, 'dist'), icons = path.join(here, 'node_modules/@grafana/ui/dist/public');
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.woff': 'font/woff', '.ttf': 'font/ttf', '.json': 'application/json' };
const dashboard = fs.readFileSync(a.dashboard, 'utf8');
const missing = new Set();
const server = http.createServer(async (req, res) => {
  try {
    const u = new URL(req.url, 'http://x');
    if (u.pathname === '/__dashboard.json') { res.setHeader('content-type', 'application/json'); return res.end(dashboard); }
    if (u.pathname.startsWith('/prom/')) {
      const r = await fetch(a.prometheus.replace(/\/$/, '') + u.pathname.slice(5) + u.search);
      res.statusCode = r.status; res.setHeader('content-type', 'application/json');
      return res.end(Buffer.from(await r.arrayBuffer()));
    }
    let f = u.pathname.startsWith('/public/build/') ? path.join(icons, u.pathname.slice('/public/build/'.length)) : path.join(dist, u.pathname === '/' ? 'index.html' : u.pathname);
    if (u.pathname.startsWith('/public/fonts/')) { f = path.join(here, 'node_modules', u.pathname.includes('roboto') ? '@fontsource/roboto-mono/files/roboto-mono-latin-400-normal.woff2' : '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2'); }
    if ((!f.startsWith(here)) || !fs.existsSync(f)) { missing.add(u.pathname); res.statusCode = 404; return res.end(); }
    res.setHeader('content-type', types[path.extname(f)] ?? 'application/octet-stream');
    fs.createReadStream(f).pipe(res);
  } catch (e) { res.statusCode = 502; res.end(String(e)); }
});
await new Promise((r) => server.listen(0, '127.0.0.1', r));
const q = new URLSearchParams({ theme: a.theme, timezone: a.timezone, scrapeInterval: a['scrape-interval'], ...(a.from ? { from: a.from } : {}), ...(a.to ? { to: a.to } : {}), ...(a['expand-rows'] ? { expandRows: '1' } : {}) });
for (const v of a.var) { const i = v.indexOf('='); q.append('var-' + v.slice(0, i), v.slice(i + 1)); }
const url = `http://127.0.0.1:${server.address().port}/?${q}`;
if (a.serve) { console.log(url); await new Promise(() => {}); }

const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'render-'));
const ctx = await chromium.launchPersistentContext(profile, {
  executablePath: a.chromium ?? browser(), headless: true, viewport: { width: +a.width, height: 900 }, deviceScaleFactor: +a.scale, timezoneId: 'UTC', locale: 'en-US', reducedMotion: 'reduce',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const consoleErrors = [];
let code = 0, rep;
try {
  const page = ctx.pages()[0] ?? (await ctx.newPage());
  page.on('console', (m) => { if (m.type() === 'error') consoleErrors.push(m.text().slice(0, 400)); });
  page.on('pageerror', (e) => consoleErrors.push('pageerror: ' + String(e.stack ?? e).slice(0, 600)));
  await page.goto(url);
  const deadline = Date.now() + +a.timeout * 1000;
  let stable = 0;
  for (;;) {
    const fatal = await page.evaluate(() => window.__fatal);
    if (fatal) { throw new Error(fatal); }
    rep = await page.evaluate(() => window.__report?.());
    stable = rep?.settled && rep.panels.length ? stable + 1 : 0;
    if (stable === 1) {
      // one tall viewport, so nothing is cut and every panel is laid out at its real size
      const h = await page.evaluate(() => Math.ceil(document.querySelector('#dash')?.getBoundingClientRect().bottom ?? 0) + 16);
      await page.setViewportSize({ width: +a.width, height: Math.min(Math.max(h, 200), 16000) });
    }
    if (stable >= 4) { break; }
    if (Date.now() > deadline) { break; }
    await page.waitForTimeout(250);
  }
  await page.evaluate(() => document.fonts.ready);
  await page.waitForTimeout(400);
  rep.executed = await page.evaluate(() => window.__executed);
  rep.layout = await page.evaluate(() => ({
    truncatedTitles: [...document.querySelectorAll('section h2')].filter((e) => [e, ...e.querySelectorAll('*')].some((n) => n.scrollWidth > n.clientWidth + 1 && getComputedStyle(n).overflow !== 'visible')).map((e) => e.textContent),
    noDataShown: document.querySelectorAll('[data-nodata="1"]').length,
  }));
  if (a.out) { await page.screenshot({ path: a.out, fullPage: true }); }
  if (a.panels) {
    fs.mkdirSync(a.panels, { recursive: true });
    for (const el of await page.locator('section[data-testid^="data-testid Panel header"]').all()) {
      const t = ((await el.getAttribute('data-testid')) ?? '').replace('data-testid Panel header ', '');
      await el.screenshot({ path: path.join(a.panels, t.replace(/[^\w.-]+/g, '_').slice(0, 80) + '.png') });
    }
  }
} catch (e) { console.error(String(e.stack ?? e)); code = 1; }
await ctx.close();
server.close();
fs.rmSync(profile, { recursive: true, force: true });

const bad = [];
if (rep) {
  const allow = a['allow-no-data'].map((r) => new RegExp(r));
  for (const p of rep.panels.filter((p) => !p.collapsed)) {
    const name = `panel "${p.title}" (${p.type}, ${p.key})`;
    for (const e of p.errors) { bad.push(`${name}: ${e}`); }
    if (p.hasQuery && p.state !== 'Done' && !p.errors.length) { bad.push(`${name}: state ${p.state}`); }
    if (p.hasQuery && p.state === 'Done' && (p.type === 'table' ? p.rows : p.numbers) === 0 && !allow.some((r) => r.test(p.title))) { bad.push(`${name}: no data`); }
  }
  for (const v of rep.variables) {
    if (v.error) { bad.push(`variable ${v.name}: ${v.error}`); }
    if (v.type === 'query' && !v.options) { bad.push(`variable ${v.name}: no values`); }
  }
  for (const title of rep.layout.truncatedTitles) { bad.push(`title cut off: ${title}`); }
  for (const p of rep.problems) { bad.push(p); }
  for (const r of rep.badDatasourceRefs) { bad.push(`datasource reference not found: ${r}`); }
  for (const r of rep.executed.filter((e) => e.error)) { bad.push(`query ${r.expr}: ${r.error}`); }
  rep.consoleErrors = consoleErrors; rep.missingAssets = [...missing]; rep.failures = bad;
  if (a.report) { fs.writeFileSync(a.report, JSON.stringify(rep, null, 2)); }
  console.log(`${rep.title}: ${rep.panels.length} panels, ${rep.panels.filter((p) => p.numbers > 0).length} with data, ${rep.executed.length} queries, ${bad.length} failures${a.out ? ', ' + a.out : ''}`);
}
for (const b of bad) { console.log('FAIL ' + b); }
for (const c of [...new Set(consoleErrors)].slice(0, 10)) { console.log('console: ' + c); }
process.exit(code || (bad.length ? 1 : 0));
