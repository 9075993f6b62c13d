import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { InputError, WeightsError } from '../../core/errors.js';
import { defineWeights } from '../../tools/weights.js';
import { SIZES } from '../../weights/architecture.js';
import { CATALOG } from '../../weights/catalog.js';
import { writeSafetensors } from '../../io/safetensors/write.js';
import { readTensors } from '../helpers/fixtures.js';
import { startFileServer, type FileServer } from './pull/file-server.js';
import { smallNetwork } from './small-network.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const logits = vi.hoisted(() =>
  vi.fn<(file: string, image: string, size: number) => Promise<Record<string, Float32Array>>>(),
);
vi.mock('../../tools/parity-logits.js', () => ({ parityLogits: logits }));

const { folder, path } = temporaryFolder();
let server: FileServer;
let network: string;
let atto: string;

async function save(file: string, tensors: ReturnType<typeof smallNetwork>): Promise<string> {
  const toWrite = [...tensors].map(([name, { shape, values }]) => ({
    name,
    dtype: 'F32' as const,
    shape,
    data: values,
  }));
  await writeSafetensors(file, toWrite);
  return file;
}

beforeAll(async () => {
  server = await startFileServer();
  network = await save(path('network.safetensors'), smallNetwork());
  atto = await save(path('atto.bin'), smallNetwork({ ...SIZES.atto, numClasses: 1000 }));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Runs `convnextv2 weights …`; what it printed on standard output. */
async function run(args: readonly string[]): Promise<string> {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const program = new Command('convnextv2');
  defineWeights(program.command('weights'));
  const throwing = (command: Command): void =>
    void command.exitOverride().commands.forEach(throwing);
  throwing(program);
  await program.parseAsync(['node', 'convnextv2', 'weights', ...args]);
  return written.join('');
}

const runJson = async (args: readonly string[]) =>
  JSON.parse(await run([...args, '--json'])) as Record<string, unknown>;

test('list shows every official file with license and whether it is cached', async () => {
  const listed = await runJson(['list', '--cache', folder]);
  expect(listed).toMatchObject({
    license: 'CC-BY-NC-4.0',
    licence: 'CC-BY-NC-4.0',
    cacheFolder: folder,
  });
  expect(listed['weights']).toEqual(
    CATALOG.map((entry) => expect.objectContaining({ name: entry.name, cached: false }) as unknown),
  );
  const table = async (...args: readonly string[]): Promise<string[]> =>
    (await run(['list', '--cache', folder, ...args])).trimEnd().split('\n');
  const classifiers = await table('--task', 'classify');
  expect(classifiers).toHaveLength(2 + 18 + 21);
  expect(classifiers.find((line) => line.startsWith('tiny.fcmae_ft_in1k '))).toMatch(
    /224 +1000 +83\.0 +82\.948 +115 MB +CC-BY-NC-4\.0 +no +https:\/\/dl\.fbaipublicfiles\.com\/convnext\/\S+$/,
  );
  expect(await table('--task', 'pretrain')).toHaveLength(2 + 8);
  const detectors = await table('--task', 'detect');
  expect(detectors.slice(0, 2)).toEqual([
    'detect',
    expect.stringMatching(/^name +px +classes +boxAP +maskAP +size +license +cached +URL$/),
  ]);
  expect(
    detectors.find((line) => line.startsWith('cascade-mask-rcnn.convnext_tiny_coco ')),
  ).toMatch(
    /800 +80 +50\.4 +43\.7 +344 MB +MIT +no +https:\/\/dl\.fbaipublicfiles\.com\/convnext\/\S+$/,
  );
  const segmenters = await table('--task', 'segment');
  expect(
    segmenters.find((line) => line.startsWith('upernet.convnext_base_in22k_ade20k_640 ')),
  ).toMatch(
    /640 +150 +52\.6 +53\.1 +488 MB +MIT +no +https:\/\/dl\.fbaipublicfiles\.com\/convnext\/\S+$/,
  );
  expect(await runJson(['list', '--task', 'detect'])).toMatchObject({
    weights: CATALOG.filter(({ task }) => task === 'detect').map(({ name, url, scores }) => ({
      name,
      url,
      scores,
    })),
  });
  const all = await table();
  expect(all).toHaveLength(CATALOG.length + 4 * 2 + 3);
  await expect(run(['list', '--task', 'track'])).rejects.toThrow(/Allowed choices are classify/);
});

test('the cache folder comes from the option, else from the environment', async () => {
  vi.stubEnv('CONVNEXTV2_CACHE', '/from/env');
  expect((await runJson(['list']))['cacheFolder']).toBe('/from/env');
  expect((await runJson(['list', '--cache', '/from/option']))['cacheFolder']).toBe('/from/option');
});

test('pull fetches by name from a mirror, and rejects what is no network of that size', async () => {
  const cache = join(folder, 'cache');
  const mirror = new URL(server.url).origin;
  server.serve({ content: await readFile(atto), etag: '"a"' });
  const pulled = await runJson([
    'pull',
    'atto.fcmae_ft_in1k',
    '--cache',
    cache,
    '--mirror',
    mirror,
  ]);
  expect(pulled['weights']).toMatchObject([
    {
      name: 'atto.fcmae_ft_in1k',
      downloaded: true,
      license: 'CC-BY-NC-4.0',
      licence: 'CC-BY-NC-4.0',
    },
  ]);
  const again = await runJson(['pull', 'atto.fcmae_ft_in1k', '--cache', cache, '--mirror', mirror]);
  expect(again['weights']).toMatchObject([{ downloaded: false }]);
  const wrong = run(['pull', 'femto.fcmae_ft_in1k', '--cache', cache, '--mirror', mirror]);
  await expect(wrong).rejects.toThrow('expected a network of size femto, got atto');
  expect((await readdir(cache)).filter((name) => name.includes('femto'))).toEqual([]);
  expect(await runJson(['inspect', 'atto.fcmae_ft_in1k', '--cache', cache])).toMatchObject({
    network: { architecture: { size: 'atto', numClasses: 1000 }, numParameters: 3_708_400 },
  });
});

test('pull checks all names before the first download', async () => {
  server.serve({ content: Uint8Array.of(1) });
  await expect(run(['pull', 'atto.fcmae', 'atoo.fcmae', '--cache', folder])).rejects.toThrow(
    'nearest: atto.fcmae',
  );
  expect(server.ranges).toEqual([]);
});

test('inspect prints the network, and with --tensors every tensor', async () => {
  const text = await run(['inspect', network, '--tensors']);
  expect(text).toContain(
    'ConvNeXt V2 (no published size), depths 1-2-1-1, dims 2-3-4-5, 6 classes',
  );
  expect(text).toContain('head.weight  F32 [6, 5]');
  expect(await runJson(['inspect', network])).not.toHaveProperty('tensors');
  expect((await runJson(['inspect', network, '--tensors']))['tensors']).toHaveLength(70);
});

test('convert writes the asked scheme and element type', async () => {
  const output = path('out.safetensors');
  expect(await runJson(['convert', network, output, '--to', 'timm', '--conv-mlp'])).toMatchObject({
    file: output,
    scheme: 'timm',
    numTensors: 70,
    dropped: [],
  });
  expect(readTensors(output).get('stages.0.blocks.0.mlp.fc1.weight')?.shape).toEqual([8, 2, 1, 1]);
  expect(
    await runJson(['convert', network, output, '--to', 'sparse', '--dtype', 'f16']),
  ).toMatchObject({
    dropped: ['norm.weight', 'norm.bias', 'head.weight', 'head.bias'],
  });
  await expect(run(['convert', network, output, '--to', 'keras'])).rejects.toThrow(
    /Allowed choices are official, timm, hf, sparse/,
  );
});

test('verify reports a valid file and throws for a damaged one', async () => {
  expect(await runJson(['verify', network])).toMatchObject({
    recorded: false,
    architecture: { numClasses: 6 },
  });
  const damaged = path('damaged.safetensors');
  await copyFile(network, damaged);
  const bytes = await readFile(damaged);
  await writeFile(damaged, bytes.subarray(0, -8));
  await expect(run(['verify', damaged])).rejects.toThrow(WeightsError);
  await expect(run(['verify', path('absent.pth')])).rejects.toThrow(InputError);
});

test('verify --image passes when the logits of one preprocessing are the published ones', async () => {
  const expected = CATALOG.find(({ name }) => name === 'atto.fcmae_ft_in1k')?.parityLogits ?? [];
  const args = ['verify', atto, '--image', 'cats.jpg', '--as', 'atto.fcmae_ft_in1k'];
  const shifted = (by: number): Float32Array =>
    Float32Array.from([...expected.map((value) => value + by), 7]);
  logits.mockResolvedValueOnce({ cropped: shifted(2e-3), warped: shifted(9e-4) });
  expect(await runJson(args)).toMatchObject({ logits: { expected, preprocessing: 'warped' } });
  expect(logits).toHaveBeenCalledWith(atto, 'cats.jpg', 224);
  logits.mockResolvedValueOnce({ cropped: shifted(2e-3), warped: shifted(-2e-3) });
  await expect(run(args)).rejects.toThrow(/expected logits -0\.393 .* got .*cropped.*warped/);
  logits.mockResolvedValueOnce({ cropped: new Float32Array() });
  await expect(run(args)).rejects.toThrow('expected logits');
  await expect(run(['verify', atto, '--image', 'x.jpg', '--as', 'atto.fcmae'])).rejects.toThrow(
    'got an encoder',
  );
});
