import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigError, DataError } from '../../core/errors.js';
import type { ImageModel } from '../../inference/model.js';
import { open } from '../../inference/open.js';
import { decodeImageBytes } from '../../io/image/decode.js';
import { predictStream } from '../../tools/predict-stream.js';
import type { PredictFlags } from '../../tools/model-options.js';
import { predictFolder, type FolderPrediction } from '../../train/predict-folder.js';
import { predictBytes, predictFrames } from '../../train/predict-stream.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { noise, saveSmallModels, type SmallModels } from '../serve/small-models.js';

const { folder, path } = temporaryFolder();
const SIZE = { width: 96, height: 64 };
const OPTIONS = { score: 0.3 };
let models: SmallModels;
let model: ImageModel;
let images: readonly Buffer[];

beforeAll(async () => {
  models = await saveSmallModels(folder);
  model = await open(models.detect);
  images = [await noise(SIZE, 'png', 1), await noise(SIZE, 'png', 2), await noise(SIZE, 'png', 3)];
});
afterAll(() => model.release());

/** Fields that `predict --json` has for an image. */
async function fieldsOf(image: Buffer): Promise<object> {
  const { predictions } = (await predictBytes(model, image, '-', OPTIONS)) as {
    predictions: object[];
  };
  const { file, ...fields } = predictions[0] as { file: string };
  expect(file).toBe('-');
  return fields;
}

async function rawFrames(): Promise<Buffer> {
  const frames = [];
  for (const image of images) frames.push((await decodeImageBytes(image, 'frame')).data);
  return Buffer.concat(frames);
}

test('frames in pieces of any size have the results of their images', async () => {
  const expected = [];
  for (const [frame, image] of images.entries())
    expected.push({ frame, ...(await fieldsOf(image)) });
  expect(JSON.stringify(expected)).toContain('"cat"');
  const raw = await rawFrames();
  for (const size of [1000, 64 * 1024, raw.length]) {
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < raw.length; at += size) yield raw.subarray(at, at + size);
    }
    const rows = [];
    for await (const row of predictFrames(model, pieces(), SIZE, OPTIONS)) rows.push(row);
    expect(rows).toEqual(expected);
  }
});

test('a thousand frames take no more memory than the first ones', async () => {
  const classifier = await open(models.classify);
  async function* frames(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 1000; i++) yield new Uint8Array(3 * SIZE.width * SIZE.height).fill(i % 256);
  }
  const residentMb: number[] = [];
  for await (const row of predictFrames(classifier, frames(), SIZE, {}))
    if ((row as { frame: number }).frame % 333 === 0)
      residentMb.push(process.memoryUsage.rss() / 2 ** 20);
  await classifier.release();
  expect(residentMb).toHaveLength(4);
  expect(residentMb[3] - residentMb[1]).toBeLessThan(40);
});

test('a stream that ends within a frame gives the frames before, then an error', async () => {
  const raw = (await rawFrames()).subarray(0, -10);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield raw;
  }
  const frames = predictFrames(model, pieces(), SIZE, OPTIONS);
  expect((await frames.next()).done).toBe(false);
  expect((await frames.next()).done).toBe(false);
  await expect(frames.next()).rejects.toThrow(
    new RegExp(`whole frames of 96x64 RGB .18432 bytes., got ${18432 - 10} bytes after 2 frames`),
  );
});

test('a watched folder gives its images, those that come, and those that change', async () => {
  const watched = path('watched');
  const out = path('out');
  mkdirSync(join(watched, 'below'), { recursive: true });
  writeFileSync(join(watched, 'a.png'), images[0]);
  const stop = new AbortController();
  const predictions = predictFolder(model, watched, { ...OPTIONS, out, signal: stop.signal });
  const next = async (): Promise<unknown> => {
    const { value } = await predictions.next();
    return (value as FolderPrediction | undefined)?.row ?? value;
  };
  expect(await next()).toEqual({ file: join(watched, 'a.png'), ...(await fieldsOf(images[0])) });

  // Written in pieces with pauses, as over a slow network: read when it is whole, never reported as broken.
  const second = join(watched, 'below', 'b.png');
  writeFileSync(second, images[1].subarray(0, 500));
  const coming = next();
  for (const length of [2000, 4000]) {
    await delay(1200);
    writeFileSync(second, images[1].subarray(0, length));
  }
  await delay(1200);
  writeFileSync(second, images[1]);
  expect(await coming).toEqual({ file: second, ...(await fieldsOf(images[1])) });

  writeFileSync(join(watched, 'a.png'), images[2]);
  expect(await next()).toEqual({ file: join(watched, 'a.png'), ...(await fieldsOf(images[2])) });

  // Deleted and copied back with its time of change: predicted again. One that has been broken for long is reported.
  const before = statSync(second);
  rmSync(second);
  const back = next();
  await delay(1200);
  writeFileSync(second, images[1]);
  utimesSync(second, before.atime, before.mtime);
  expect(await back).toMatchObject({ file: second });
  writeFileSync(join(watched, 'bad.png'), 'hello');
  utimesSync(join(watched, 'bad.png'), new Date(0), new Date(0));
  expect(await next()).toMatchObject({ message: expect.stringContaining('bad.png') as string });
  stop.abort();
  expect((await predictions.next()).done).toBe(true);

  const saved = JSON.parse(readFileSync(join(out, 'below/b.png.json'), 'utf8')) as object;
  expect(saved).toEqual({ file: second, ...(await fieldsOf(images[1])) });
  expect(existsSync(join(out, 'below/b.png.png'))).toBe(true);
  expect(existsSync(join(out, 'bad.png.json'))).toBe(false);
}, 60_000);

test('predict reads an image or frames from standard input', async () => {
  const run = (
    args: readonly string[],
    input: Uint8Array,
  ): { readonly status: number | null; readonly stdout: string; readonly stderr: string } =>
    spawnSync(process.execPath, ['dist/tools/cli.js', 'predict', models.detect, ...args], {
      input,
      encoding: 'utf8',
      timeout: 120_000,
      maxBuffer: 2 ** 26,
    });
  const image = run(['-', '--score', '0.3'], images[0]);
  expect(image.status).toBe(0);
  expect(JSON.parse(image.stdout)).toEqual(
    await predictBytes(model, images[0], '-', OPTIONS).then((document) => ({
      ...document,
      model: expect.stringContaining('boxes') as string,
    })),
  );
  const frames = run(['-', '--frames', '96x64'], await rawFrames());
  expect(frames.status).toBe(0);
  const rows = frames.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(rows).toHaveLength(3);
  expect(rows[1]).toEqual({ frame: 1, ...(await fieldsOf(images[1])) });
  const text = run(['-'], Buffer.from('hello'));
  expect([text.status, text.stderr]).toEqual([2, expect.stringContaining('-: expected a JPEG')]);
}, 240_000);

test('a reader that ends before the frames do ends the command without an error', async () => {
  const flags = ['-', '--frames', '96x64', '--score', '0', '--threads', '1'];
  const child = spawn(process.execPath, ['dist/tools/cli.js', 'predict', models.detect, ...flags]);
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  child.stdin.on('error', () => undefined); // it reads no more
  for (let i = 0; i < 100; i++) child.stdin.write(await rawFrames());
  await once(createInterface(child.stdout), 'line');
  child.stdout.destroy();
  const [code] = (await once(child, 'exit')) as [number];
  expect([code, errors.join('')]).toEqual([0, expect.not.stringContaining('rror')]);
}, 120_000);

test('Ctrl-C ends a watch with the number of images', async () => {
  const watched = path('interrupted');
  mkdirSync(watched);
  writeFileSync(join(watched, 'a.png'), images[0]);
  const watch = spawn(
    process.execPath,
    ['dist/tools/cli.js', 'predict', models.classify, watched, '--watch', '--json'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const errors: string[] = [];
  watch.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  const [line] = (await once(createInterface(watch.stdout), 'line')) as [string];
  expect(JSON.parse(line)).toMatchObject({ file: join(watched, 'a.png'), width: 96 });
  watch.kill('SIGINT');
  const [code] = (await once(watch, 'exit')) as [number];
  expect([code, errors.join('')]).toEqual([0, expect.stringContaining('predicted 1 image\n')]);
}, 120_000);

test('wrong combinations are refused before the model is opened', async () => {
  symlinkSync(folder, path('link-into'));
  const cases = [
    [['-', 'a.png'], {}, /alone/],
    [['-'], { frames: '640' }, /640x360/],
    [['-'], { frames: '0x4' }, /640x360/],
    [['a.png'], { frames: '4x4' }, /expected - for/],
    [['-'], { out: folder }, /--out/],
    [['-'], { format: 'coco' }, /--format/],
    [['-'], { watch: true }, /--watch/],
    [[folder], { watch: true, out: join(folder, 'below') }, /outside of/],
    [[folder], { watch: true, out: path('link-into') }, /outside of/],
    [['-'], { frames: '60000x60000' }, /at most 178956970 pixels/],
    [[folder], { watch: true, shard: '0/2' }, /--shard/],
  ] as const;
  for (const [given, flags, message] of cases) {
    const all = { watch: false, provider: 'cpu', threads: 0, ...flags } as unknown as PredictFlags;
    const wrong = predictStream('/nowhere', given, all);
    await expect(wrong).rejects.toThrow(ConfigError);
    await expect(wrong).rejects.toThrow(message);
  }
  const flags = { watch: true, provider: 'cpu', threads: 0 } as unknown as PredictFlags;
  await expect(predictStream('/nowhere', ['/absent'], flags)).rejects.toThrow(DataError);
});

test('results that a link in the watched folder leads to are no pictures to predict', async () => {
  const [watched, out] = [path('linked/in'), path('linked/out')];
  mkdirSync(watched, { recursive: true });
  mkdirSync(out);
  symlinkSync(out, join(watched, 'results'));
  writeFileSync(join(watched, 'a.png'), images[0]);
  const stop = new AbortController();
  const files: unknown[] = [];
  setTimeout(() => stop.abort(), 5000);
  for await (const each of predictFolder(model, watched, { ...OPTIONS, out, signal: stop.signal }))
    files.push('row' in each ? (each.row as { readonly file: string }).file : each);
  expect(existsSync(join(out, 'a.png.png'))).toBe(true);
  expect(files).toEqual([join(watched, 'a.png')]);
}, 60_000);
