import { beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import type { Engine } from '../../../engine/runtime/engine.js';
import { CASCADE_MASK_RCNN } from '../../../models/cascade.js';
import type { DetectionThresholds, DetectorConfig } from '../../../models/detection/config.js';
import { DETECTION_THRESHOLDS } from '../../../models/detection/config.js';
import { DetectorPredictor } from '../../../inference/detect/predictor.js';
import { type DetectorInput } from '../../../inference/detect/preprocess.js';
import { exportModel, type ExportedModel } from '../../../inference/export/export-model.js';
import { exportFormat, type FormatOptions } from '../../../inference/export/format.js';
import type { LoadedOf } from '../../../inference/model.js';
import { IMAGENET_PIXELS } from '../../../datasets/transforms/normalize.js';
import { maxError } from '../../helpers/fixtures.js';
import { engineOf } from '../../parity/maskrcnn-fixture.js';
import { TINY_CONFIG, tinyDetector, tinyStore } from '../../train/detect/tiny-detector.js';
import { mentions, runOnnx } from './run-onnx.js';

let engine: Engine;
beforeAll(async () => {
  engine = await engineOf('compiled');
});

const THRESHOLDS: DetectionThresholds = {
  ...DETECTION_THRESHOLDS,
  scoreThreshold: 0.2,
  maxPerImage: 20,
};

/** Noise in the pixels of the network's input, so that boxes need no scaling back. */
function image(height: number, width: number, missing: number): DetectorInput {
  const random = new Random(11);
  const size = { width: width - missing, height: height - missing };
  const data = Float32Array.from({ length: height * width * 3 }, () => random.between(-1, 1));
  return {
    shape: [1, height, width, 3],
    data,
    imageSize: size,
    originalSize: size,
    scale: { x: 1, y: 1 },
  };
}

const classAgnostic: DetectorConfig = {
  ...TINY_CONFIG,
  stages: TINY_CONFIG.stages.map((stage) => ({ ...stage, classAgnostic: true })),
};
const cascade = (agnostic: boolean): DetectorConfig => ({
  ...TINY_CONFIG,
  stages: CASCADE_MASK_RCNN.stages.map((stage) => ({
    ...stage,
    classAgnostic: agnostic,
    layers: { numConvs: 1, numFcs: 1, fcChannels: 8 },
  })),
});
const proposals = (more: Partial<DetectorConfig['rpn']['testProposals']>): DetectorConfig => ({
  ...TINY_CONFIG,
  rpn: { ...TINY_CONFIG.rpn, testProposals: { ...TINY_CONFIG.rpn.testProposals, ...more } },
});

/** Thresholds that let about half of the detections through. */
async function halfOf(
  model: ReturnType<typeof tinyDetector>,
  store: ReturnType<typeof tinyStore>,
  view: ReturnType<typeof image>,
): Promise<DetectionThresholds> {
  const predictor = new DetectorPredictor({ engine, model, store, thresholds: THRESHOLDS });
  const { scores } = await predictor.predict(view);
  await predictor.release();
  return { ...THRESHOLDS, scoreThreshold: (scores[9] + scores[10]) / 2 };
}

/** Exports a detector without preprocessing. */
function exported(
  model: ReturnType<typeof tinyDetector>,
  store: ReturnType<typeof tinyStore>,
  thresholds: DetectionThresholds,
  options: FormatOptions = {},
): ExportedModel {
  const card = {
    task: 'detect',
    classNames: ['ant', 'bee', 'cat'],
    categoryIds: [1, 2, 3],
    pixels: IMAGENET_PIXELS,
    limits: { long: 128, short: 96 },
    detector: model.config,
    thresholds,
  } as unknown as LoadedOf<'detect'>['card'];
  return exportModel({
    loaded: { card, model, store } as LoadedOf<'detect'>,
    format: exportFormat({ raw: true, ...options }),
  });
}

const isFull = (count: number): boolean => count === 20;

describe.each<[string, DetectorConfig, DetectionThresholds | 'half', (count: number) => boolean]>([
  ['Mask R-CNN', TINY_CONFIG, THRESHOLDS, isFull],
  ['without masks', { ...TINY_CONFIG, masks: null }, THRESHOLDS, isFull],
  ['class-agnostic boxes', classAgnostic, THRESHOLDS, isFull],
  ['a cascade', cascade(false), THRESHOLDS, isFull],
  ['a class-agnostic cascade', cascade(true), THRESHOLDS, isFull],
  ['fewer proposals than are suppressed', proposals({ maxPerImage: 40 }), THRESHOLDS, isFull],
  ['small proposals dropped', proposals({ minSizePx: 20 }), THRESHOLDS, isFull],
  ['fewer detections than rows', TINY_CONFIG, 'half', (n) => n > 0 && n < 20],
  ['nothing found', TINY_CONFIG, { ...THRESHOLDS, scoreThreshold: 0.999 }, (n) => n === 0],
])('%s', (_, config, wanted, isExpected) => {
  test('one file gives what the predictor gives', async () => {
    const model = tinyDetector(config);
    const store = tinyStore(model);
    const view = image(128, 96, 9);
    const thresholds = wanted === 'half' ? await halfOf(model, store, view) : wanted;
    const predictor = new DetectorPredictor({ engine, model, store, thresholds });
    const expected = await predictor.predict(view);
    const count = expected.scores.length;
    expect(isExpected(count)).toBe(true);
    const masks = await predictor.maskProbabilities(expected.boxes, expected.classIndices);
    await predictor.release();

    const file = exported(model, store, thresholds);
    const { width, height } = view.imageSize;
    const found = await runOnnx(file, {
      image: view,
      image_size: { shape: [1, 2], data: Float32Array.of(height, width) },
    });
    const real = (name: string, perRow: number): number[] =>
      found[name].data.slice(0, count * perRow);
    expect(found['count'].data).toEqual([count]);
    expect(maxError(real('scores', 1), expected.scores)).toBeLessThanOrEqual(1e-5);
    expect(real('classes', 1)).toEqual([...expected.classIndices]);
    expect(maxError(real('boxes', 4), expected.boxes)).toBeLessThanOrEqual(2e-3);
    expect(found['scores'].data.slice(count).every((score) => score === 0)).toBe(true);
    expect(found['boxes'].shape).toEqual([1, 20, 4]);
    if (config.masks) {
      expect(maxError(real('masks', masks.length / Math.max(count, 1)), masks)).toBeLessThan(1e-4);
      expect(found['masks'].data.slice(masks.length).every((p) => p === 0)).toBe(true);
    } else expect(found['masks']).toBeUndefined();
  });
});

test('only standard operators are in the file', () => {
  const model = tinyDetector();
  const file = exported(model, tinyStore(model), THRESHOLDS, { width: 64, height: 64 });
  expect(file.opset).toBe(20);
  expect(mentions(file, 'NonMaxSuppression')).toBe(true);
  expect(mentions(file, 'com.microsoft')).toBe(false);
  expect(file.inputs.map(({ name }) => name)).toEqual(['image', 'image_size']);
});

test('soft suppression and odd sizes are refused with what helps', () => {
  const model = tinyDetector();
  const store = tinyStore(model);
  const soft = {
    ...THRESHOLDS,
    suppression: { kind: 'soft', decay: { kind: 'gaussian', sigma: 0.5 }, minScore: 0.001 },
  } as const;
  expect(() => exported(model, store, soft)).toThrow('(hardNms)');
  expect(() => exported(model, store, THRESHOLDS, { width: 64, height: 60 })).toThrow(
    'height: expected a multiple of 32 for a raw detector, got 60',
  );
});
