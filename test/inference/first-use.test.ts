import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { VARIANTS } from '../../backbone/variants.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { open } from '../../inference/open.js';
import { writeSafetensors } from '../../io/safetensors/write.js';
import { createClassifier } from '../../models/classifier.js';
import { toTorchLayout, torchShape } from '../../weights/layout.js';
import { runInProcess } from '../helpers/in-process.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { startFileServer, type FileServer } from '../weights/pull/file-server.js';

const NAME = 'atto.fcmae_ft_in1k';
const FOLDER = join(import.meta.dirname, '../fixtures/small');
const PHOTO = join(import.meta.dirname, '../fixtures/small/preprocess_q90_420.jpg');
const { path } = temporaryFolder();
let server: FileServer;
let mirror: string;
let content: Uint8Array;
let cache: string;
let numCaches = 0;

beforeAll(async () => {
  server = await startFileServer();
  mirror = new URL(server.url).origin;
  const { specs } = createClassifier({ backbone: VARIANTS.atto, classes: 1000, headInitScale: 1 });
  const store = new ParameterStore(specs);
  store.initialize(1);
  const tensors = store.entries.map(({ path: name, spec: { shape, layout } }) => ({
    name,
    dtype: 'F32' as const,
    shape: torchShape(shape, layout),
    data: toTorchLayout(store.get(name).slice(), shape, layout),
  }));
  await writeSafetensors(path('atto.safetensors'), tensors);
  content = readFileSync(path('atto.safetensors'));
});
beforeEach(() => {
  cache = path(`cache${numCaches++}`);
  vi.stubEnv('CONVNEXTV2_OFFLINE', '');
});
afterEach(() => vi.unstubAllEnvs());

test('a name that is not in the cache is pulled after license and size are shown, once', async () => {
  server.serve({ content, etag: '"a"' });
  const notices: string[] = [];
  const use = async (): Promise<unknown> => {
    const model = await open(NAME, { cache, mirror, onNotice: (line) => notices.push(line) });
    const result = await model.predict(PHOTO);
    await model.release();
    return result;
  };
  const first = await use();
  expect(first).toMatchObject({ task: 'classify' });
  const [license, size, firstBytes] = notices;
  expect(license).toBe(`${NAME}: official weights, license CC-BY-NC-4.0 (not for commercial use)`);
  expect(size).toBe(
    `${NAME}: pulling about 15 MB from ${mirror}/convnext/convnextv2/im1k/convnextv2_atto_1k_224_ema.pt`,
  );
  expect(firstBytes).toMatch(
    /^atto\.fcmae_ft_in1k: \d\.\d MB of 15 MB \(\d %\), \d+(\.\d)? MB\/s$/,
  );
  expect(notices.at(-1)).toContain('pulled to');
  const shown = notices.length;
  expect(await use()).toEqual(first);
  expect(server.ranges).toHaveLength(1);
  expect(notices.slice(shown)).toEqual([license]);
});

test('the command line pulls from the server of CONVNEXTV2_MIRROR', async () => {
  vi.stubEnv('CONVNEXTV2_MIRROR', mirror);
  server.serve({ content, etag: '"a"' });
  const { code, stdout, stderr } = await runInProcess([
    ...['weights', 'inspect', NAME, '--cache', cache],
  ]);
  expect([code, stdout]).toEqual([0, expect.stringContaining('ConvNeXt V2 atto')]);
  expect(stderr).toContain('license CC-BY-NC-4.0');
  expect(stderr).toContain('pulled to');
});

test.each([
  ['predict', NAME, PHOTO],
  ['eval', NAME, '--data', FOLDER],
  ['export', NAME, '--out', 'model.onnx'],
  ['weights', 'inspect', NAME],
  ['weights', 'verify', NAME],
  ['weights', 'convert', NAME, 'out.safetensors'],
  ['train', 'classify-finetune', '--data', FOLDER, '--out', 'run', '--weights', NAME],
])('%s … --offline refuses with the remedy', async (...args) => {
  vi.stubEnv('CONVNEXTV2_MIRROR', mirror);
  server.serve({ content });
  const { code, stderr } = await runInProcess([...args, '--cache', cache, '--offline']);
  expect(stderr).toContain(`run "npx convnextv2 weights pull ${NAME}", or put https://`);
  expect(code).toBe(2);
  expect(server.ranges).toEqual([]);
});

test('a list of classes that is missing is told before anything is pulled', async () => {
  server.serve({ content });
  await expect(open(NAME, { cache, mirror, classes: join(cache, 'no.txt') })).rejects.toThrow(
    /no\.txt: expected a list of classes, got /,
  );
  expect(server.ranges).toEqual([]);
});

test('what is no such model is refused at the first use and leaves nothing', async () => {
  const use = (): Promise<unknown> => open(NAME, { cache, mirror });
  server.serve({ content: new TextEncoder().encode('<html>gone'), contentType: 'text/html' });
  await expect(use()).rejects.toThrow('expected a weight file, got a page');
  server.serve({ content: content.subarray(0, 1000), noLength: true });
  await expect(use()).rejects.toThrow(/convnextv2_atto_1k_224_ema\.pt/);
  server.serve({ content, redirect: 'https://files.example/weights.pt' });
  await expect(use()).rejects.toThrow('got a redirect to https://files.example');
  server.serve({ content: new Uint8Array(1 << 20), noLength: true, endless: true });
  await expect(use()).rejects.toThrow(/expected at most 126 MB/);
  expect(readdirSync(cache)).toEqual([]);
});

test('a detector’s name is not pulled for another task, and a mirror must be safe', async () => {
  server.serve({ content });
  const detector = 'mask-rcnn.convnext_tiny_coco';
  await expect(open(detector, { cache, mirror, task: 'segment' })).rejects.toThrow(
    `task: expected detect, which ${detector} is for, got segment`,
  );
  await expect(open('tiny.fcmae', { cache, mirror })).rejects.toThrow(
    'expected a model that predicts, got a pre-trained encoder',
  );
  await expect(open(NAME, { cache, mirror: 'http://mirror.example' })).rejects.toThrow(
    'mirror: expected an address that begins with https:// (or http://localhost), got http://mirror.example',
  );
  expect(server.ranges).toEqual([]);
});

test.each([
  ['predict', NAME, 'absent.jpg'],
  ['predict', NAME, PHOTO, '--out', PHOTO],
  ['eval', NAME, '--data', 'absent'],
  ['train', 'classify-finetune', '--data', 'absent', '--out', 'run', '--weights', NAME],
  ['export', NAME, '--out', join(PHOTO, 'model.onnx')],
  ['weights', 'pull', NAME, 'atto.fcmea'],
])('nothing is pulled for other mistakes: %s', async (...args) => {
  vi.stubEnv('CONVNEXTV2_MIRROR', mirror);
  server.serve({ content });
  const { code } = await runInProcess([...args, '--cache', cache]);
  expect(code).toBeGreaterThan(0);
  expect(server.ranges).toEqual([]);
});
