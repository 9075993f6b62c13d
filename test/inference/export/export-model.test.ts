import { beforeAll, describe, expect, test } from 'vitest';
import { createDenseBackbone } from '../../../backbone/output-norms.js';
import type { ConvNeXtV2Config } from '../../../backbone/variants.js';
import { Random } from '../../../core/random.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import { openEngine, type Engine } from '../../../engine/runtime/engine.js';
import { createClassifier } from '../../../models/classifier.js';
import { exportModel, type ExportedModel } from '../../../inference/export/export-model.js';
import { exportFormat, type FormatOptions } from '../../../inference/export/format.js';
import type { LoadedModel } from '../../../inference/model.js';
import { IMAGENET_PIXELS } from '../../../datasets/transforms/normalize.js';
import { createUperNet, UPERNET } from '../../../models/upernet.js';
import { maxError } from '../../helpers/fixtures.js';
import { mentions, runAll, runOnnx, type Values } from './run-onnx.js';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});

const BACKBONE = { depths: [1, 1, 2, 1], dims: [8, 16, 24, 32], responseNorm: 'grn' } as const;

function randomized(store: ParameterStore): void {
  const random = new Random(9);
  store.entries.forEach(({ path }) => {
    const isVariance = path.endsWith('running_var');
    const values = store.get(path);
    for (let i = 0; i < values.length; i++)
      values[i] = isVariance ? random.between(0.5, 1.5) : random.between(-0.3, 0.3);
  });
}

const noise = (shape: readonly number[]): Values => {
  const random = new Random(4);
  const size = shape.reduce((a, b) => a * b, 1);
  return { shape, data: Float32Array.from({ length: size }, () => random.normal()) };
};

/** Exports a network without preprocessing. */
function exported(
  task: 'classify' | 'segment',
  { model, store }: Pick<LoadedModel, 'model' | 'store'>,
  options: FormatOptions = {},
  backbone: ConvNeXtV2Config = BACKBONE,
): ExportedModel {
  const classNames = Array.from({ length: task === 'classify' ? 7 : 5 }, (_, k) => `class ${k}`);
  const limits = { long: 64, short: 64 };
  const card = { task, backbone, classNames, pixels: IMAGENET_PIXELS, limits, resize: {} };
  const loaded = { card, model, store } as unknown as LoadedModel;
  return exportModel({ loaded, format: exportFormat({ raw: true, ...options }) });
}

describe.each([1, 3])('batch %i', (batch) => {
  test('a classifier’s file gives our logits', async () => {
    const model = createClassifier({ backbone: BACKBONE, classes: 7, headInitScale: 1 });
    const store = new ParameterStore(model.specs);
    randomized(store);
    const image = noise([batch, 64, 96, 3]);
    const program = engine.prepare(model.inference, store);
    const { logits } = await program.run({ image });
    const file = exported('classify', { model, store });
    const found = await runOnnx(file, { image });
    expect(found['logits'].shape).toEqual([batch, 7]);
    expect(maxError(found['logits'].data, logits.data)).toBeLessThanOrEqual(2e-5);
    await program.release();
  });

  test('a segmenter’s file gives our logits', async () => {
    const config = {
      ...UPERNET,
      numClasses: 5,
      channels: 12,
      auxiliary: { ...UPERNET.auxiliary, channels: 8 },
    };
    const model = createUperNet(createDenseBackbone(BACKBONE), config);
    const store = new ParameterStore(model.specs);
    randomized(store);
    const image = noise([batch, 64, 64, 3]);
    const program = engine.prepare(model.inference, store);
    const { logits } = await program.run({ image });
    const file = exported('segment', { model, store });
    const found = await runOnnx(file, { image });
    expect(found['logits'].shape).toEqual(logits.shape);
    const scale = Math.max(...Array.from(logits.data, Math.abs));
    expect(maxError(found['logits'].data, logits.data)).toBeLessThanOrEqual(2e-5 * scale);
    await program.release();
  });
});

test('sides need not be multiples of anything, behind stems of both kinds', async () => {
  const overlapping = { ...BACKBONE, stem: { kind: 'activated', channels: 4 } } as const;
  for (const backbone of [BACKBONE, overlapping]) {
    const model = createClassifier({ backbone, classes: 7, headInitScale: 1 });
    const store = new ParameterStore(model.specs);
    randomized(store);
    const program = engine.prepare(model.inference, store);
    const images = [
      [1, 71, 90, 3],
      [2, 101, 64, 3],
      [1, 32, 39, 3],
    ].map(noise);
    const file = exported('classify', { model, store }, {}, backbone);
    const found = await runAll(
      file,
      images.map((image) => ({ image })),
    );
    for (const [i, image] of images.entries()) {
      const { logits } = await program.run({ image });
      expect(maxError(found[i]['logits'].data, logits.data)).toBeLessThanOrEqual(2e-5);
    }
    await program.release();
  }
});

test('a file stands alone: standard operators, weights inside', () => {
  const model = createClassifier({ backbone: BACKBONE, classes: 7, headInitScale: 1 });
  const store = new ParameterStore(model.specs);
  store.initialize(0);
  const file = exported('classify', { model, store }, { batch: 1, width: 32, height: 32 });
  expect(file.opset).toBe(20);
  expect(file.inputs.map(({ name }) => name)).toEqual(['image']);
  expect(file.outputs).toMatchObject([
    { name: 'logits', shape: [1, 7] },
    { name: 'probabilities', shape: [1, 7] },
  ]);
  expect(mentions(file, 'com.microsoft')).toBe(false);
  expect(file.bytes.length).toBeGreaterThan(4 * store.values.length);
});
