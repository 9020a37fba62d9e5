import { setTimeout as sleep } from 'node:timers/promises';

/** Time limit for a dashboard, in seconds; a busy machine needs ten. */
const patience = 120;

/**
 * Takes a picture of a dashboard as soon as all its data is present and it has stopped changing.
 * @param {import('playwright-core').Browser} browser
 * @param {string} origin of the page
 * @param {import('./src/order').Order} order
 * @param {number} width of the picture, in pixels
 * @param {string} timezoneId of the browser
 */
export async function draw(browser, origin, order, width, timezoneId) {
  const page = await browser.newPage({
    viewport: { width, height: 900 },
    timezoneId,
    locale: 'en-US',
    reducedMotion: 'reduce',
  });
  page.setDefaultTimeout(0); // One deadline applies to everything together.
  await page.addInitScript((given) => void (window.order = given), order);

  if (/^\d+$/.test(order.to)) {
    await page.clock.setFixedTime(Number(order.to)); // Ages are counted from there.
  }

  /** @type {Set<string>} */
  const complaints = new Set();
  page.on('console', (message) => {
    const [text] = message.text().split('\n');
    const { url } = message.location();
    // Prometheus' errors are reported with the query.
    if (message.type() === 'error' && !url.includes('/prometheus/')) {
      complaints.add(`the page says: ${text} (${url})`);
    }
  });
  page.on('request', (request) => {
    if (/^(http|ws)/.test(request.url()) && !request.url().startsWith(origin)) {
      complaints.add(`the page asks for ${request.url()}`);
    }
  });
  const broken = new Promise((_, reject) => {
    page.on('pageerror', ({ stack }) => reject(new Error(`the page fails: ${stack}`)));
    page.on('crash', () => reject(new Error('the page has crashed')));
  });

  let waiting = ['the page'];
  const late = sleep(patience * 1000, undefined, { ref: false }).then(() => {
    throw new Error(`no picture in ${patience} s, waiting for ${waiting.join(', ')}`);
  });

  async function settle() {
    await page.goto(origin);
    /** @type {Buffer | undefined} */
    let last;
    for (;;) {
      const report = await page.evaluate(() => window.report?.());
      waiting = report?.waiting ?? ['the page'];
      if (!report || waiting.length) {
        last = undefined;
        await sleep(100);
        continue;
      }
      waiting = ['a picture that stays the same'];
      // Show the whole dashboard, so that every panel is drawn.
      await page.setViewportSize({ width, height: report.height + 16 });
      const picture = await page.screenshot({ animations: 'disabled' });
      if (last?.equals(picture)) {
        return { picture, report, failures: [...report.failures, ...complaints] };
      }
      last = picture;
    }
  }
  return Promise.race([settle(), broken, late]);
}
