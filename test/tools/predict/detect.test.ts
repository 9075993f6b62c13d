import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createDenseBackbone } from '../../../backbone/output-norms.js';
import { ConfigError, WorkError } from '../../../core/errors.js';
import { Random } from '../../../core/random.js';
import { rleFromString } from '../../../core/rle-string.js';
import { decodeImage } from '../../../io/image/decode.js';
import { encodeRgbPng } from '../../../io/png/write.js';
import type { ParameterStore } from '../../../engine/parameters/store.js';
import { createDetector } from '../../../models/detector.js';
import { MASK_RCNN } from '../../../models/mask-rcnn.js';
import { openDetector } from '../../../inference/detect/load.js';
import { toTorchLayout, torchShape } from '../../../weights/layout.js';
import { writeSafetensors } from '../../../io/safetensors/write.js';
import { openAndPredict } from '../../helpers/open-and.js';
import { formatTable } from '../../../tools/output.js';
import type { TextBlock } from '../../../train/presentation.js';
import { tinyStore } from '../../train/detect/tiny-detector.js';

const folder = mkdtempSync(join(tmpdir(), 'convnextv2-predict-'));
const weights = join(folder, 'detector.safetensors');
const images = ['a', 'b'].map((name) => join(folder, name, 'photo.png'));
const located = { file: weights, task: 'detect' } as const;

beforeAll(async () => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const backbone = createDenseBackbone({
    depths: [1, 1, 1, 1],
    dims: [4, 4, 4, 4],
    responseNorm: 'grn',
  });
  const [stage] = MASK_RCNN.stages;
  const model = createDetector(backbone, {
    ...MASK_RCNN,
    numClasses: 3,
    channels: 4,
    stages: [{ ...stage, layers: { ...stage.layers, fcChannels: 4 } }],
  });
  const store: ParameterStore = tinyStore(model);
  await writeSafetensors(
    weights,
    store.entries.map(({ path, spec }) => ({
      name: path,
      dtype: 'F32',
      shape: torchShape(spec.shape, spec.layout),
      data: toTorchLayout(store.get(path).slice(), spec.shape, spec.layout),
    })),
  );
  const random = new Random(3);
  for (const file of images) {
    mkdirSync(join(file, '..'), { recursive: true });
    const data = Uint8Array.from({ length: 90 * 60 * 3 }, () => random.integer(256));
    writeFileSync(file, encodeRgbPng({ width: 90, height: 60, data }));
  }
});
afterAll(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const predict = (
  files: readonly string[],
  options: Parameters<typeof openAndPredict>[2],
): Promise<object> =>
  openAndPredict(weights, files, { task: 'detect', size: 64, score: 0.2, ...options });
interface Row {
  readonly image_id: number;
  readonly category_id: number;
  readonly score: number;
  readonly bbox: readonly number[];
  readonly segmentation: { readonly size: readonly number[]; readonly counts: string };
}
const readJson = <T>(...path: string[]): T =>
  JSON.parse(readFileSync(join(folder, ...path), 'utf8')) as T;

test('writes an overlay per image and results that COCO tools read', async () => {
  const out = join(folder, 'out');
  const document = await predict(images, { out, max: 7 });
  const rows = readJson<Row[]>('out', 'results.json');
  expect(rows.map(({ image_id }) => image_id)).toEqual(
    [1, 2].flatMap((id) => new Array<number>(7).fill(id)),
  );
  for (const { category_id, score, bbox, segmentation } of rows) {
    expect([1, 2, 3]).toContain(category_id);
    expect(score).toBeGreaterThan(0.05);
    expect(bbox[0] + bbox[2]).toBeLessThanOrEqual(90.001);
    expect(bbox[1] + bbox[3]).toBeLessThanOrEqual(60.001);
    const { height, width } = rleFromString(segmentation.counts, 60, 90);
    expect(segmentation.size).toEqual([height, width]);
  }
  const { images: listed } = readJson<{ images: object[] }>('out', 'images.json');
  expect(listed).toEqual(
    [1, 2].map((id) => ({ id, file_name: 'photo.png', width: 90, height: 60 })),
  );
  // Files of one name do not overwrite each other's overlays; 90 pixels are enlarged to read the tags.
  for (const name of ['photo.png', 'photo-2.png'])
    expect(await decodeImage(join(out, name))).toMatchObject({ width: 630, height: 420 });
  expect(document).toMatchObject({ model: weights, predictions: [{ file: images[0] }, {}] });
});

test('prints a table of what reaches the score', async () => {
  const lines: string[] = [];
  const onText = (text: readonly TextBlock[]): void =>
    void lines.push(
      ...text.map((block) => (typeof block === 'string' ? block : formatTable(block))),
    );
  for (const score of [1, 0]) await predict([images[0]], { onText, score });
  expect(lines[0]).toMatch(
    /: 0 objects; the likeliest: class \d \d+ % \(--score 0\.\d+ shows it\)$/,
  );
  expect(lines[2]).toMatch(/^class +score % +x +y +width +height\nclass \d +\d+\.\d/);
  expect(lines[3]).toMatch(/^… and \d+ more$/);
});

test('an output that is an image of the call is refused before work, under any name', async () => {
  const names = ['same', 'linked', 'hard'].map((name) => join(folder, name));
  const [same, linked, hard] = names;
  [same, hard].forEach((name) => mkdirSync(name));
  const photo = join(same, 'photo.png');
  copyFileSync(images[0], photo);
  symlinkSync(same, linked);
  linkSync(photo, join(hard, 'photo.png'));
  const before = readFileSync(photo);
  for (const [file, out] of [
    [photo, same],
    [photo, `${same}/../same/.`],
    [join(linked, 'photo.png'), same],
    [photo, linked],
    [photo, hard],
  ]) {
    const predicting = predict([images[1], file], { out });
    await expect(predicting, out).rejects.toThrow(ConfigError);
    await expect(predicting).rejects.toThrow(
      /expected outputs that are none of the inputs, got .*photo/,
    );
  }
  expect(readFileSync(photo).equals(before)).toBe(true);
  expect(names.flatMap((name) => readdirSync(name))).toEqual([
    'photo.png',
    'photo.png',
    'photo.png',
  ]);
  // As a JPEG it has another name than its overlay.
  renameSync(photo, join(same, 'photo.jpg'));
  await predict([join(same, 'photo.jpg')], { out: same });
  expect(readdirSync(same)).toContain('photo.png');
});

test('work that ends in the middle leaves the rows of the images that are done', async () => {
  const out = join(folder, 'ended');
  const ending = predict(images, {
    out,
    onText: () => {
      throw new WorkError('the end');
    },
  });
  await expect(ending).rejects.toThrow('the end');
  expect(readdirSync(out).sort()).toEqual([
    'failed.partial.jsonl',
    'images.partial.jsonl',
    'photo.png',
    'predictions.partial.jsonl',
    'results.partial.jsonl',
  ]);
  const lines = readFileSync(join(out, 'results.partial.jsonl'), 'utf8').trim().split('\n');
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ image_id: 1 });
  const whole = join(folder, 'out');
  await predict(images, { out, max: 7 });
  expect(readdirSync(out).sort()).toEqual(readdirSync(whole).sort());
});

test('class names of another number are refused', async () => {
  const classes = join(folder, 'classes.txt');
  writeFileSync(classes, 'one\ntwo\n');
  await expect(openDetector(located, { classes })).rejects.toThrow(
    `expected 3 class names, got 2 in ${classes}`,
  );
  writeFileSync(classes, 'one\ntwo\nthree\n');
  expect((await openDetector(located, { classes })).card.classNames).toEqual([
    'one',
    'two',
    'three',
  ]);
});
