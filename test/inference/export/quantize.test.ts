import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import { evaluationResize } from '../../../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../../datasets/transforms/normalize.js';
import { encodeModel } from '../../../engine/onnx/encode-model.js';
import { foldWeights } from '../../../engine/onnx/fold-weights.js';
import { int, ints, type OnnxGraph, type OnnxNode } from '../../../engine/onnx/graph.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import { calibrated } from '../../../inference/export/calibrate.js';
import { exportOnnx } from '../../../inference/export/export-onnx.js';
import { exportFormat } from '../../../inference/export/format.js';
import { quantized, type Range } from '../../../inference/export/quantize.js';
import type { LoadedModel, LoadedOf } from '../../../inference/model.js';
import { createClassifier } from '../../../models/classifier.js';
import { noise } from '../../serve/small-models.js';
import { runOnnx } from './run-onnx.js';
import { WIDE_MODELS } from './wide-models.js';

const folder = mkdtempSync(join(tmpdir(), 'convnextv2-int8-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const random = new Random(2);
const normal = (count: number, scale = 1): Float32Array =>
  Float32Array.from({ length: count }, () => scale * random.normal());
const node = (op: string, inputs: string[], output: string, attributes = {}): OnnxNode => ({
  name: output,
  op,
  domain: '',
  inputs,
  outputs: [output],
  attributes,
});

/** A convolution whose weight is transposed in the graph, and a matrix product, both with a bias. */
const GRAPH: OnnxGraph = {
  name: 'products',
  nodes: [
    node('Transpose', ['kernel'], 'turned', { perm: ints([3, 2, 0, 1]) }),
    node('Conv', ['x', 'turned', 'offset'], 'map', {
      kernel_shape: ints([3, 3]),
      pads: ints([1, 1, 1, 1]),
      strides: ints([1, 1]),
      group: int(1),
    }),
    node('GlobalAveragePool', ['map'], 'pooled'),
    node('Reshape', ['pooled', 'rows'], 'flat'),
    node('Gemm', ['flat', 'matrix', 'bias'], 'y'),
  ],
  inputs: [{ name: 'x', shape: [2, 16, 6, 6], type: 'float32' }],
  outputs: [
    { name: 'map', shape: [2, 64, 6, 6], type: 'float32' },
    { name: 'y', shape: [2, 80], type: 'float32' },
  ],
  initializers: [
    // Outputs of very different size: one scale for all would lose the small ones.
    ...([
      ['kernel', [3, 3, 16, 64], normal(9 * 16 * 64).map((v, i) => v * 10 ** -((i % 64) % 3))],
    ] as const),
    ['offset', [64], normal(64)] as const,
    ['matrix', [64, 80], normal(64 * 80).map((v, i) => v * 10 ** -((i % 80) % 3))] as const,
    ['bias', [80], normal(80)] as const,
  ].map(([name, shape, data]) => ({ name, shape, data, type: 'float32' as const })),
  opsets: { '': 20 },
};
const COMPLETE: OnnxGraph = {
  ...GRAPH,
  initializers: [
    ...GRAPH.initializers,
    { name: 'rows', shape: [2], type: 'int64', data: BigInt64Array.of(2n, 64n) },
  ],
};

test('weights are folded once, with the same results', async () => {
  const folded = foldWeights(COMPLETE);
  expect(folded.nodes.map(({ op }) => op)).not.toContain('Transpose');
  expect(folded.initializers.map(({ name }) => name)).not.toContain('kernel');
  const x = { shape: [2, 16, 6, 6], data: normal(2 * 16 * 36) };
  const [before, after] = [COMPLETE, folded].map((graph) =>
    runOnnx({ bytes: encodeModel(graph) }, { x }),
  );
  expect(await after).toEqual(await before);
});

test('products on bytes are near the exact ones in every output, however small', async () => {
  const x = { shape: [2, 16, 6, 6], data: normal(2 * 16 * 36) };
  const exact = await runOnnx({ bytes: encodeModel(COMPLETE) }, { x });
  const rangeOf = (values: ArrayLike<number>): Range => ({
    min: Math.min(...Array.from(values)),
    max: Math.max(...Array.from(values)),
  });
  const flat = exact['map'].data;
  const ranges: Record<string, Range> = {
    x: rangeOf(x.data),
    map: rangeOf(flat),
    flat: rangeOf(flat),
  };
  const graph = quantized(foldWeights(COMPLETE), (value) => ranges[value]);
  const stored = graph.initializers.filter(({ name }) => name.endsWith('/int8'));
  expect(stored.map(({ data }) => data.length)).toEqual([9 * 16 * 64, 64 * 80]);
  const found = await runOnnx({ bytes: encodeModel(graph) }, { x });
  // By output channel: half a step of the result, of each input, and of each weight.
  const step = (ranges['map'].max - ranges['map'].min) / 255;
  const inputStep = (ranges['x'].max - ranges['x'].min) / 255;
  for (let k = 0; k < 64; k++) {
    const size = 10 ** -(k % 3);
    const bound =
      0.51 * step + 12 * 3 * size * (inputStep / 2) + 12 * 1.2 * ((3.5 * size) / 64 / 2);
    for (let i = 0; i < 36; i++) {
      const at = k * 36 + i;
      expect(Math.abs(found['map'].data[at] - exact['map'].data[at])).toBeLessThan(bound);
    }
  }
  expect(() => quantized(foldWeights(COMPLETE), () => undefined)).toThrow('expected a range of x');
});

test('a bias is kept however small the weights of its output are, as of a norm that was folded with a scale of 0', async () => {
  const x = { shape: [2, 16, 6, 6], data: normal(2 * 16 * 36) };
  const kernel = normal(9 * 16 * 64).map((v, i) => v * [1, 1e-9, 0][(i % 64) % 3]);
  const tiny = {
    ...COMPLETE,
    initializers: COMPLETE.initializers.map((constant) =>
      constant.name === 'kernel' ? { ...constant, data: kernel } : constant,
    ),
  };
  const exact = await runOnnx({ bytes: encodeModel(tiny) }, { x });
  const most = Math.max(...exact['map'].data.map(Math.abs));
  const graph = quantized(foldWeights(tiny), () => ({ min: -most, max: most }));
  const found = await runOnnx({ bytes: encodeModel(graph) }, { x });
  found['map'].data.forEach((value, i) => {
    if ((Math.floor(i / 36) % 64) % 3 > 0)
      expect(Math.abs(value - exact['map'].data[i])).toBeLessThan((0.51 * 2 * most) / 255);
  });
});

test('a classifier in bytes is a quarter of the size and answers alike', async () => {
  const backbone = { depths: [1, 1, 1, 1], dims: [32, 48, 64, 96], responseNorm: 'grn' } as const;
  const model = createClassifier({ backbone, classes: 3, headInitScale: 30 });
  const store = new ParameterStore(model.specs);
  store.initialize(1);
  const card = {
    task: 'classify',
    backbone,
    classNames: ['ant', 'bee', 'cat'],
    pixels: IMAGENET_PIXELS,
    resize: evaluationResize(64),
  };
  const loaded = { card, model, store } as unknown as LoadedModel;
  const pictures = join(folder, 'pictures');
  mkdirSync(pictures);
  for (const seed of [1, 2, 3])
    writeFileSync(
      join(pictures, `${seed}.png`),
      await noise({ width: 80, height: 70 }, 'png', seed),
    );
  const out = (name: string): { out: string } => ({ out: join(folder, name) });
  await exportOnnx(loaded, out('full.onnx'));
  const options = { ...out('bytes.onnx'), precision: 'int8', calibrate: pictures } as const;
  const { contract, differences } = await exportOnnx(loaded, options);
  expect(contract.precision).toBe('int8');
  const [{ maxAbsDifference, maxAbs }] = differences;
  expect(maxAbsDifference).toBeGreaterThan(1e-4);
  expect(maxAbsDifference).toBeLessThan(0.1 * maxAbs);
  const [full, bytes] = ['full', 'bytes'].map(
    (name) => statSync(join(folder, `${name}.onnx`)).size,
  );
  expect(bytes).toBeLessThan(0.45 * full);
  await expect(exportOnnx(loaded, { ...options, calibrate: undefined })).rejects.toThrow(
    'precision: expected calibrate FOLDER with pictures for int8',
  );
  mkdirSync(join(folder, 'none'));
  const withPictures = (calibrate: string): Promise<unknown> =>
    exportOnnx(loaded, { ...options, calibrate });
  await expect(withPictures(join(folder, 'none'))).rejects.toThrow(
    /calibrate: expected a folder with pictures, got none in \S+none$/,
  );
  writeFileSync(join(folder, 'none', 'photo.heic'), '');
  await expect(withPictures(join(folder, 'none'))).rejects.toThrow('photo.heic is HEIC');
  await expect(withPictures(join(folder, 'nowhere'))).rejects.toThrow('which does not exist');
  await expect(withPictures(join(pictures, '1.png'))).rejects.toThrow('which is no folder');
  await expect(exportOnnx(loaded, { ...options, precision: 'fp16' })).rejects.toThrow(
    'calibrate: expected precision int8 with it, got fp16',
  );
});

test('pictures in which a detector finds nothing give its mask heads no ranges, and a warning says so', async () => {
  const { card, ...loaded } = WIDE_MODELS.detect() as LoadedOf<'detect'>;
  const pictures = join(folder, 'one');
  mkdirSync(pictures);
  writeFileSync(join(pictures, '1.png'), await noise({ width: 80, height: 70 }, 'png', 1));
  const noticesFor = async (scoreThreshold: number): Promise<readonly string[]> => {
    const notices: string[] = [];
    const own = { ...card, thresholds: { ...card.thresholds, scoreThreshold } };
    const model = { ...loaded, card: own } as LoadedModel;
    await calibrated(model, exportFormat({}), pictures, (line) => notices.push(line));
    return notices;
  };
  expect(await noticesFor(0.05)).toEqual([]);
  expect(await noticesFor(1)).toEqual([
    `warning: the model found no object in the one picture of ${pictures}, so that the ranges of its mask heads come from empty boxes; calibrate with pictures that show objects`,
  ]);
});
