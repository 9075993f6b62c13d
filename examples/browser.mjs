// Exports a detector as a page that computes in the browser, and serves it. Run own-detector.mjs first.
// node examples/browser.mjs [folder] [--keep]
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { convnextv2 } from './cli.mjs';

const [out = 'runs/examples', keep] = process.argv.slice(2);
const site = `${out}/site`;
convnextv2(`export ${out}/detector --web ${site} --precision fp16`);

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript' };
const server = createServer((request, response) => {
  const path = normalize(decodeURIComponent(new URL(request.url, 'http://a').pathname));
  const file = join(site, path.endsWith('/') ? `${path}index.html` : path);
  if (!existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
  response.writeHead(200, {
    'content-type':
      TYPES[extname(file)] ?? (file.endsWith('.css') ? 'text/css' : 'application/wasm'),
    // With these two a browser lets the page compute on several threads.
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
  });
  createReadStream(file).pipe(response);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}/`;
console.log(`open ${url}`);

const page = await fetch(url);
const html = await page.text();
if (page.status !== 200 || !/<script[^>]+src=/.test(html)) throw new Error('expected a page');
if (keep !== '--keep') server.close();
