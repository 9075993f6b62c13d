import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeRle } from '../../core/rle.js';
import { expandMask, segmentsOf, type ImageResult } from '../../core/results.js';
import type * as Library from '../../inference/web/index.js';
import { load, open } from '../../inference/open.js';
import { writeSite, type SiteDocument } from '../../serve/browser/write-site.js';
import { leaveOutUnless } from '../helpers/leave-out.js';
import { serveFolders } from '../helpers/static-server.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { CHROMIUM, NO_CHROMIUM, startChromium } from './browser.js';
import { noise, saveSmallModels, type SmallModels } from './small-models.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TIMEOUT_MS = 240_000;
const DIST = resolve('dist');
const ORT = dirname(
  createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'),
);
/** A page of somebody who imports the library; browsers resolve its import of onnxruntime-web as bundlers do. */
const LIBRARY = `<!doctype html><link rel="icon" href="data:," /><script type="importmap">{"imports":{
  "onnxruntime-web/wasm":"/ort/ort.wasm.min.mjs","onnxruntime-web/webgpu":"/ort/ort.webgpu.min.mjs"}}</script>
  <script type="module">import * as library from "/dist/inference/web/bundle.js"; window.library = library;</script>`;

const { folder } = temporaryFolder();
let browser: Browser;
let server: Server;
let url: string;
let runs: SmallModels;
const sites: Partial<Record<keyof SmallModels, SiteDocument>> = {};
let picture: Buffer;

leaveOutUnless(CHROMIUM !== undefined, NO_CHROMIUM);

/** Opens a page and notes requests that leave the origin, and errors. */
async function openPage(
  path: string,
  inside = browser,
): Promise<{ readonly page: Page; readonly wrong: string[] }> {
  const page = await inside.newPage();
  const wrong: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`) && !/^(blob|data):/.test(request.url()))
      wrong.push(request.url());
  });
  page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()));
  page.on('pageerror', (error) => wrong.push(String(error)));
  await page.goto(url + path);
  return { page, wrong };
}

/** Predicts in Chromium through `convnextv2/browser`; a segmenter's labels come as its masks. */
const predictThere = (
  page: Page,
  task: string,
  image: Buffer,
  provider: 'wasm' | 'webgpu' = 'wasm',
): Promise<ImageResult & { seconds: number }> =>
  page.evaluate(
    async ({ model, bytes, provider: chosen }) => {
      const { loadModel } = (window as unknown as { library: typeof Library }).library;
      const opened = await loadModel(model, {
        wasmPaths: `${location.origin}/ort/`,
        provider: chosen,
      });
      const blob = new Blob([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))]);
      const start = performance.now();
      const result = await opened.predict(blob, opened.task === 'detect' ? { score: 0.05 } : {});
      const seconds = (performance.now() - start) / 1000;
      const labels = 'labels' in result ? Array.from(result.labels) : undefined;
      await opened.release();
      return { ...result, labels, seconds } as unknown as ImageResult & { seconds: number };
    },
    { model: `/${task}/model/model.safetensors`, bytes: image.toString('base64'), provider },
  );

beforeAll(async () => {
  if (CHROMIUM === undefined) return;
  runs = await saveSmallModels(folder);
  for (const task of ['classify', 'detect', 'segment'] as const)
    sites[task] = await writeSite(await load(runs[task]), join(folder, `site-${task}`), 'fp32');
  picture = await noise({ width: 96, height: 64 }, 'png');
  ({ url, server } = await serveFolders(
    {
      dist: DIST,
      ort: ORT,
      classify: sites.classify!.folder,
      detect: sites.detect!.folder,
      segment: sites.segment!.folder,
    },
    { '/library': LIBRARY },
    true,
  ));
  browser = await startChromium();
}, TIMEOUT_MS);
afterAll(async () => {
  await browser?.close();
  server?.close();
});

describe('convnextv2/browser in Chromium', () => {
  test.each(['png', 'jpeg'] as const)(
    'results of all tasks equal those of Node for a %s',
    async (format) => {
      const { page, wrong } = await openPage('/library');
      await page.waitForFunction('window.library');
      const image = await noise({ width: 120, height: 90 }, format, 3);
      for (const task of ['classify', 'detect', 'segment'] as const) {
        const model = await open(runs[task]);
        const ours = await model.predict(image, task === 'detect' ? { score: 0.05 } : {});
        await model.release();
        const { seconds, ...theirs } = await predictThere(page, task, image);
        expectSame(theirs as ImageResult, ours);
        console.log(`${task}, ${format}: first prediction in ${seconds.toFixed(2)} s`);
      }
      expect(wrong).toEqual([]);
      await page.close();
    },
    TIMEOUT_MS,
  );

  test(
    'results on WebGPU equal those of Node, where Chromium has an adapter',
    async ({ skip }) => {
      const withGpu = await startChromium({ webgpu: true });
      try {
        const { page, wrong } = await openPage('/library', withGpu);
        await page.waitForFunction('window.library');
        const hasAdapter = await page.evaluate(
          'navigator.gpu?.requestAdapter().then((adapter) => adapter !== null) ?? false',
        );
        if (hasAdapter !== true) skip('Chromium has no WebGPU adapter');
        for (const task of ['classify', 'segment', 'detect'] as const) {
          const model = await open(runs[task]);
          const ours = await model.predict(picture, task === 'detect' ? { score: 0.05 } : {});
          await model.release();
          const { seconds, ...theirs } = await predictThere(page, task, picture, 'webgpu');
          expectSame(theirs as ImageResult, ours);
          console.log(`${task}, WebGPU: first prediction in ${seconds.toFixed(2)} s`);
        }
        expect(wrong).toEqual([]);
      } finally {
        await withGpu.close();
      }
    },
    2 * TIMEOUT_MS,
  );

  test('a software adapter is not used unless it is asked for', async () => {
    const withGpu = await startChromium({ webgpu: true });
    try {
      const { page } = await openPage('/library', withGpu);
      await page.waitForFunction('window.library');
      const engine = await page.evaluate(async () => {
        const { loadModel } = (window as unknown as { library: typeof Library }).library;
        const wasmPaths = `${location.origin}/ort/`;
        const model = await loadModel('/classify/model/model.safetensors', { wasmPaths });
        await model.release();
        return model.engine;
      });
      expect(engine).toContain('WebAssembly');
    } finally {
      await withGpu.close();
    }
  });

  test('the library is at most 1.5 MB compressed, without the WebAssembly of onnxruntime-web', () => {
    const library = gzipSync(readFileSync(join(DIST, 'inference/web/bundle.js'))).length;
    const { files, folder: site } = sites.detect!;
    const page = files
      .filter(({ name }) => !/^(model|runtime)/.test(name))
      .reduce((sum, { name }) => sum + gzipSync(readFileSync(join(site, name))).length, 0);
    console.log(
      `library ${library} bytes, page with onnxruntime-web's script ${page} bytes (gzip)`,
    );
    expect(library).toBeLessThan(400_000);
    expect(page).toBeLessThan(1_500_000);
  });
});

/** Expects results that are equal to 1e-3. */
function expectSame(theirs: ImageResult, ours: ImageResult): void {
  expect([theirs.task, theirs.width, theirs.height]).toEqual([ours.task, ours.width, ours.height]);
  if (ours.task === 'classify' && theirs.task === 'classify') {
    expect(theirs.classes.map(({ name }) => name)).toEqual(ours.classes.map(({ name }) => name));
    ours.classes.forEach(({ probability }, i) =>
      expect(Math.abs(theirs.classes[i].probability - probability)).toBeLessThan(1e-3),
    );
  } else if (ours.task === 'detect' && theirs.task === 'detect') {
    expect(ours.objects.length).toBeGreaterThan(3);
    expect(theirs.objects.map(({ name }) => name)).toEqual(ours.objects.map(({ name }) => name));
    ours.objects.forEach(({ score, box, mask }, i) => {
      const other = theirs.objects[i];
      expect(Math.abs(other.score - score)).toBeLessThan(1e-3);
      box.forEach((value, k) => expect(Math.abs(other.box[k] - value)).toBeLessThan(0.05));
      const [a, b] = [mask!, other.mask!].map((each) => decodeRle(expandMask(each)));
      const differing = a.reduce((sum, value, p) => sum + Number(value !== b[p]), 0);
      expect(differing).toBeLessThan(Math.max(2, 0.002 * a.length));
    });
  } else if (ours.task === 'segment' && theirs.task === 'segment') {
    const differing = ours.labels.reduce((sum, v, p) => sum + Number(v !== theirs.labels[p]), 0);
    expect(segmentsOf(ours).length).toBeGreaterThan(1);
    expect(differing).toBeLessThan(0.001 * ours.labels.length + 1);
  } else expect(theirs.task).toBe(ours.task);
}

describe('the page of export --web', () => {
  test(
    'a chosen picture is shown with what Node finds; nothing leaves the origin; no serious finding of axe-core',
    async () => {
      const { page, wrong } = await openPage('/detect/?provider=wasm');
      await page.setInputFiles('#files', { name: 'n.png', mimeType: 'image/png', buffer: picture });
      await page.locator('#rows button').first().waitFor({ timeout: TIMEOUT_MS });
      const model = await open<'detect'>(runs.detect);
      const { objects } = await model.predict(picture);
      await model.release();
      const expected = objects
        .filter(({ score }) => score >= 0.3)
        .map(({ name, score }) => `${name} ${(100 * score).toFixed(1)} %`);
      const texts = await page.locator('#rows tr').allInnerTexts();
      expect(texts.map((text) => text.replace(/\s+/g, ' ').trim())).toEqual(expected);
      expect(await page.locator('.choose p').first().innerText()).toContain(
        'stay on this computer',
      );
      const { engine, seconds } = await page.evaluate(() => ({
        ...document.documentElement.dataset,
      }));
      expect(engine).toMatch(/^onnxruntime-web \(WebAssembly, \d+ threads\)$/);
      console.log(`page: first prediction in ${seconds} s, ${engine}`);
      await page.evaluate(AXE);
      const serious = await page.evaluate(async () => {
        const { violations } = await (
          window as unknown as {
            axe: { run(): Promise<{ violations: { id: string; impact: string }[] }> };
          }
        ).axe.run();
        return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
      });
      expect(serious).toEqual([]);
      expect(wrong).toEqual([]);
      await page.close();
    },
    TIMEOUT_MS,
  );

  test(
    'a broken model file is told, in one sentence',
    async () => {
      const { page } = await openPage('/detect/');
      await page.route('**/model.safetensors', (route) =>
        route.fulfill({ status: 404, body: 'no' }),
      );
      await page.reload();
      await page.getByText('got HTTP 404').waitFor();
      expect(await page.locator('#status').innerText()).toContain('model.safetensors');
      await page.close();
    },
    TIMEOUT_MS,
  );
});
