import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createDenseBackbone } from '../../backbone/output-norms.js';
import { DataError, WeightsError } from '../../core/errors.js';
import { Random } from '../../core/random.js';
import { ADE20K_CLASSES, ade20kPalette } from '../../datasets/classes/ade20k.js';
import { decodeImage } from '../../io/image/decode.js';
import { decodePngIndices } from '../../io/png/indices.js';
import { encodeLabelPng, encodeRgbPng } from '../../io/png/write.js';
import { ParameterStore, parameterSize } from '../../engine/parameters/store.js';
import { createUperNet } from '../../models/upernet.js';
import type { EvaluationReport } from '../../train/evaluation.js';
import { paletteOf } from '../../train/segment/palette.js';
import { toTorchLayout, torchShape } from '../../weights/layout.js';
import { openAndEvaluate, openAndPredict } from '../helpers/open-and.js';
import { writeSafetensors } from '../../io/safetensors/write.js';

const CLASSES = ['ground', 'thing', 'never'];
const folder = mkdtempSync(join(tmpdir(), 'convnextv2-segment-tools-'));
const [data, images, labels] = ['', 'images', 'labels'].map((name) => join(folder, 'data', name));
const weights = join(folder, 'segmenter.safetensors');
const classFile = join(folder, 'data', 'classes.txt');
const SIZE = { width: 70, height: 50 };

beforeAll(async () => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  [images, labels].forEach((path) => mkdirSync(path, { recursive: true }));
  const random = new Random(5);
  const area = SIZE.width * SIZE.height;
  for (const name of ['a', 'b']) {
    const pixels = Uint8Array.from({ length: 3 * area }, () => random.integer(256));
    const map = Uint8Array.from({ length: area }, (_, i) => (i % 7 === 0 ? 255 : i % 2));
    writeFileSync(join(images, `${name}.png`), encodeRgbPng({ ...SIZE, data: pixels }));
    writeFileSync(join(labels, `${name}.png`), encodeLabelPng({ ...SIZE, data: map }));
  }
  writeFileSync(classFile, `${CLASSES.join('\n')}\n`);
  const model = createUperNet(
    createDenseBackbone({ depths: [1, 1, 1, 1], dims: [4, 4, 4, 4], responseNorm: 'grn' }),
    {
      numClasses: CLASSES.length,
      channels: 4,
      poolScales: [1, 2, 3, 6],
      auxiliary: { channels: 4, weight: 0.4 },
    },
  );
  const store: ParameterStore = new ParameterStore(
    model.specs,
    new Float32Array(parameterSize(model.specs)),
  );
  store.initialize(1);
  store.get('decode_head.conv_seg.bias').set([0, 0.01, -100]);
  await writeSafetensors(
    weights,
    store.entries.map(({ path, spec }) => ({
      name: path,
      dtype: 'F32',
      shape: torchShape(spec.shape, spec.layout),
      data: toTorchLayout(store.get(path).slice(), spec.shape, spec.layout),
    })),
  );
});
afterAll(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const MODEL = { task: 'segment', size: 64, classes: classFile } as const;
const evaluate = (
  options: Parameters<typeof openAndEvaluate>[2] = {},
  path = data,
): Promise<EvaluationReport> =>
  openAndEvaluate(weights, path, { ...MODEL, split: 'train', ...options });
const predict = (options: Parameters<typeof openAndPredict>[2]): Promise<object> =>
  openAndPredict(
    weights,
    ['a', 'b'].map((name) => join(images, `${name}.png`)),
    { ...MODEL, ...options },
  );

interface Scores {
  readonly aAcc: number;
  readonly mIoU: number;
  readonly mIoUOfLabelled: number;
  readonly labelledClasses: number;
  readonly perClass: readonly { readonly IoU: number | null; readonly pixels: number }[];
}

test('eval scores what it writes: the label maps give the same accuracy', async () => {
  const out = join(folder, 'eval');
  const { document } = await evaluate({ out });
  const { aAcc, perClass, labelledClasses } = document as unknown as Scores;
  let [right, total] = [0, 0];
  for (const name of ['a.png', 'b.png']) {
    const labelMap = decodePngIndices(readFileSync(join(out, name)), name).data;
    const groundTruth = decodePngIndices(readFileSync(join(labels, name)), name).data;
    groundTruth.forEach((label, i) => {
      if (label === 255) return;
      total++;
      if (labelMap[i] === label) right++;
    });
  }
  expect(aAcc).toBeCloseTo(right / total, 12);
  expect(labelledClasses).toBe(2);
  expect(perClass[2]).toMatchObject({ IoU: null, pixels: 0 });
  expect(JSON.parse(readFileSync(join(out, 'scores.json'), 'utf8'))).toMatchObject({ aAcc });
});

test('windows, mirror images and scales change how it looks, and the table names every class that occurs', async () => {
  const plain = await evaluate({ perCategory: true });
  const names = plain.table.map(([name]) => name);
  expect(names.slice(-2)).toEqual(['ground', 'thing']);
  const others = await Promise.all(
    [{ slide: true }, { tta: true }, { tile: 64 }].map((how) => evaluate(how)),
  );
  for (const { document } of others)
    expect((document as unknown as Scores).aAcc).not.toBe(
      (plain.document as unknown as Scores).aAcc,
    );
});

test('predict writes an overlay, a label map with palette and the classes', async () => {
  const out = join(folder, 'predict');
  const palette = join(folder, 'palette.txt');
  writeFileSync(palette, '#ff0000\n00ff00\n#0000ff\n');
  const document = await predict({ out, palette });
  const { predictions } = document as {
    predictions: readonly { classes: readonly { classIndex: number; share: number }[] }[];
  };
  const { data: labelMap } = decodePngIndices(readFileSync(join(out, 'labels', 'a.png')), 'a.png');
  for (const { classIndex, share } of predictions[0].classes)
    expect(share).toBeCloseTo(
      labelMap.filter((label) => label === classIndex).length / labelMap.length,
      12,
    );
  const shown = await decodeImage(join(out, 'labels', 'a.png'));
  const color = [255, 0, 0].map((_, i) => (labelMap[0] === i ? 255 : 0));
  expect([...shown.data.subarray(0, 3)]).toEqual(color);
  const overlay = await decodeImage(join(out, 'a.png'));
  expect(overlay.width).toBe(SIZE.width);
  expect(overlay.height).toBeGreaterThan(SIZE.height); // the legend is below
  expect(JSON.parse(readFileSync(join(out, 'classes.json'), 'utf8'))).toEqual(
    ['#ff0000', '#00ff00', '#0000ff'].map((hex, index) => ({
      index,
      name: CLASSES[index],
      colour: hex,
    })),
  );
  expect(readdirSync(out).sort()).toEqual(['a.png', 'b.png', 'classes.json', 'labels']);
});

test('150 classes of ADE20K have its colors, others some of their own', () => {
  expect(paletteOf({ classNames: ADE20K_CLASSES })).toEqual(ade20kPalette());
  const own = paletteOf({ classNames: CLASSES });
  const colors = [0, 1, 2].map((k) => own.subarray(3 * k, 3 * k + 3).join());
  expect(new Set(colors).size).toBe(3);
});

test('a class list of another length than the weights is refused', async () => {
  const classes = join(folder, 'two.txt');
  writeFileSync(classes, 'a\nb\n');
  const refused = evaluate({ classes });
  await expect(refused).rejects.toThrow(WeightsError);
  await expect(refused).rejects.toThrow('expected 3 class names, got 2');
});

test('data with other classes than the model is refused before any work', async () => {
  const classes = join(folder, 'others.txt');
  writeFileSync(classes, 'ground\nanother\nnever\n');
  const refused = evaluate({ classes });
  await expect(refused).rejects.toThrow(DataError);
  await expect(refused).rejects.toThrow('expected the 3 classes of ');
});

test.each([
  ['#ff0000\n', 'expected 3 colors, got 1'],
  ['#ff0000\nred\n#0000ff\n', 'line 2: expected #rrggbb, got red'],
])('a palette %j is refused', (text, message) => {
  const file = join(folder, 'wrong.txt');
  writeFileSync(file, text);
  expect(() => paletteOf({ classNames: CLASSES }, file)).toThrow(message);
});

test('a label that is no class, and a label map of another size than its image, are named with their file', async () => {
  const root = join(folder, 'broken');
  const broken = (name: string): string => join(root, name, 'x.png');
  ['images', 'labels'].forEach((name) => mkdirSync(join(root, name), { recursive: true }));
  writeFileSync(join(root, 'classes.txt'), `${CLASSES.join('\n')}\n`);
  const area = SIZE.width * SIZE.height;
  const pixels = { ...SIZE, data: new Uint8Array(3 * area) };
  writeFileSync(broken('images'), encodeRgbPng(pixels));
  writeFileSync(broken('labels'), encodeLabelPng({ ...SIZE, data: new Uint8Array(area).fill(3) }));
  const score = (): Promise<unknown> => evaluate({}, root);
  await expect(score()).rejects.toThrow(`${broken('labels')}: expected`);
  await expect(score()).rejects.toThrow('got 3 in 3500 pixels');
  const small = { width: 5, height: 4, data: new Uint8Array(20) };
  writeFileSync(broken('labels'), encodeLabelPng(small));
  await expect(score()).rejects.toThrow(
    `${broken('labels')}: expected 70x50 of its image, got 5x4`,
  );
});
