#!/usr/bin/env node
// Draws a dashboard as a user sees it and reports its problems. See README.md.
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { launch } from './browser.mjs';
import { draw } from './picture.mjs';
import { serve } from './server.mjs';

const { values: options } = parseArgs({
  options: {
    dashboard: { type: 'string' },
    prometheus: { type: 'string', default: 'http://127.0.0.1:9090' },
    out: { type: 'string' },
    from: { type: 'string', default: 'now-6h' },
    to: { type: 'string', default: 'now' },
    'scrape-interval': { type: 'string', default: '15s' },
    var: { type: 'string', multiple: true, default: [] },
    theme: { type: 'string', default: 'dark' },
    width: { type: 'string', default: '1600' },
    'time-zone': { type: 'string', default: 'UTC' },
    'expand-rows': { type: 'boolean', default: false },
    'allow-no-data': { type: 'string', multiple: true, default: [] },
  },
});

async function render() {
  const { dashboard, out, prometheus } = options;
  if (!dashboard || !out) {
    throw new Error('--dashboard and --out are needed');
  }
  /** @type {import('./src/order').Order} */
  const order = {
    dashboard: JSON.parse(await readFile(dashboard, 'utf8')),
    theme: options.theme,
    from: options.from,
    to: options.to,
    values: valuesOf(options.var),
    scrapeInterval: options['scrape-interval'],
    expandRows: options['expand-rows'],
    allowNoData: options['allow-no-data'],
  };
  const server = await serve(prometheus);
  try {
    const browser = await launch();
    try {
      const { picture, report, failures } = await draw(
        browser,
        server.origin,
        order,
        Number(options.width),
        options['time-zone']
      );
      await writeFile(out, picture);
      console.log(`${out}: ${report.panels} panels, ${report.queries} queries, ${failures.length} failures`);
      return failures;
    } finally {
      await browser.close();
    }
  } finally {
    server.close();
  }
}

/** @param {string[]} given for example account=prod */
function valuesOf(given) {
  /** @type {Record<string, string[]>} */
  const values = {};
  for (const text of given) {
    const [name = '', ...value] = text.split('=');
    (values[name] ??= []).push(value.join('='));
  }
  return values;
}

const failures = await render().catch((error) => [error.message]);
for (const failure of failures) {
  console.error('FAIL', failure);
}
process.exitCode = failures.length ? 1 : 0;
