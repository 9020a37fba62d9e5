import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';

const modules = path.join(import.meta.dirname, 'node_modules');
const types = new Map([
  ['.html', 'text/html'],
  ['.js', 'text/javascript'],
  ['.css', 'text/css'],
  ['.svg', 'image/svg+xml'],
  ['.woff2', 'font/woff2'],
]);

/**
 * Serves the page on a free loopback port, and a Prometheus API below /prometheus.
 * @param {string} prometheus the URL of Prometheus, with a loopback address
 */
export async function serve(prometheus) {
  if (!['127.0.0.1', '[::1]', 'localhost'].includes(new URL(prometheus).hostname)) {
    throw new Error(`${prometheus} is not on this machine`);
  }
  const server = http.createServer(async (request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://127.0.0.1');
    try {
      const api = pathname.startsWith('/prometheus/') && prometheus.replace(/\/$/, '') + pathname.slice(11) + search;
      const { status, type, body } = await (api ? ask(api) : read(pathname));
      response.writeHead(status, { 'content-type': type }).end(body);
    } catch (error) {
      response.writeHead(502, { 'content-type': 'text/plain' }).end(`${pathname}: ${error}`);
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  return {
    origin: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** @param {string} url */
async function ask(url) {
  const answer = await fetch(url, { redirect: 'error' });
  const type = answer.headers.get('content-type') ?? '';
  return { status: answer.status, type, body: Buffer.from(await answer.arrayBuffer()) };
}

// The time picker needs the first icon, a panel that loads slowly the second. @grafana/ui does not contain them.
const missingIcons = new Set(['angle-double-left.svg', 'sync-slash.svg']);

/** @param {string} pathname */
async function read(pathname) {
  if (missingIcons.has(path.basename(pathname))) {
    return { status: 200, type: 'image/svg+xml', body: '<svg xmlns="http://www.w3.org/2000/svg"/>' };
  }
  const file = fileOf(pathname);
  return { status: 200, type: types.get(path.extname(file)) ?? '', body: await readFile(file) };
}

/**
 * Maps the paths at which Grafana's own server has icons and fonts.
 * @param {string} pathname
 */
function fileOf(pathname) {
  if (pathname.startsWith('/public/build/')) {
    return path.join(modules, '@grafana/ui/dist/public', pathname.slice('/public/build/'.length));
  }
  if (pathname.startsWith('/public/fonts/inter/')) {
    return path.join(modules, '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2');
  }
  if (pathname.startsWith('/public/fonts/roboto/')) {
    return path.join(modules, '@fontsource/roboto-mono/files/roboto-mono-latin-400-normal.woff2');
  }
  return path.join(import.meta.dirname, 'dist', pathname === '/' ? 'index.html' : pathname);
}
