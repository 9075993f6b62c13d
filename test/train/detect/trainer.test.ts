import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { WorkError } from '../../../core/errors.js';
import { Random } from '../../../core/random.js';
import { createFlatBuffers, type FlatBuffers } from '../../../engine/optimizer/flat-buffers.js';
import { ParameterStore, parameterSize } from '../../../engine/parameters/store.js';
import { cascadeStages } from '../../../models/cascade.js';
import type { DetectorConfig } from '../../../models/detection/config.js';
import { restoreRun } from '../../../train/checkpoints.js';
import { createDetectorTrainer, type LoadedDetectionBatch } from '../../../train/detect/trainer.js';
import { SINGLE_PROCESS } from '../../../train/distributed/communicator.js';
import { trainLoop, type RunSettings } from '../../../train/loop.js';
import { groupParameters, parameterRuns } from '../../../train/parameter-groups.js';
import type { LogRecord } from '../../../train/log-record.js';
import type { BatchSource } from '../../../train/trainer.js';
import { engineOf } from '../../parity/maskrcnn-fixture.js';
import { batchOf, TINY_CONFIG, tinyDetector, inputOf } from './tiny-detector.js';

const root = mkdtempSync(join(tmpdir(), 'convnextv2-detect-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const SETTINGS: Omit<RunSettings, 'parameterRuns' | 'maxSteps'> = {
  optimizer: { kind: 'adamw', betas: [0.9, 0.999], eps: 1e-8 },
  schedule: {
    kind: 'multiStep',
    lr: 2e-3,
    milestones: [],
    gamma: 0.1,
    warmup: { steps: 0, ratio: 1 },
  },
  epochs: 100,
  accumulation: 2,
  clipNorm: 1,
  emaDecay: 0.9,
  logEvery: 1,
  evaluateEvery: 1000,
  checkpointEvery: 1000,
  keepCheckpoints: 3,
  bestMetric: 'boxes',
};

/** Bright rectangles on noise, the same in every epoch. */
const SOURCE: BatchSource<LoadedDetectionBatch> = {
  numBatches: () => 8,
  async *epoch(_epoch, from) {
    for (let i = from; i < 8; i++) {
      const random = new Random(7, i);
      const [x, y] = [random.integer(50), random.integer(30)];
      const box = [x, y, x + 20 + random.integer(20), y + 15 + random.integer(15)];
      const batch = batchOf([inputOf([box])], i);
      for (let row = box[1]; row < box[3]; row++)
        batch.images.fill(3, (row * 96 + box[0]) * 3, (row * 96 + box[2]) * 3);
      yield { value: batch, release: () => undefined };
    }
  },
};

interface Outcome {
  readonly buffers: FlatBuffers;
  readonly records: readonly LogRecord[];
}

/** Trains up to a step, from the newest checkpoint of the folder if there is one. */
async function train(
  folder: string,
  maxSteps: number,
  config: DetectorConfig = TINY_CONFIG,
): Promise<Outcome> {
  const model = tinyDetector(config);
  const buffers = createFlatBuffers(parameterSize(model.specs), {
    moments: 2,
    ema: true,
    microGradients: true,
  });
  const store = new ParameterStore(model.specs, buffers.parameters);
  store.initialize(1);
  const restored = await restoreRun(folder, store, buffers);
  const task = createDetectorTrainer({
    engine: await engineOf('compiled'),
    model,
    buffers,
    dropPathRate: 0.2,
    seed: 3,
    communicator: SINGLE_PROCESS,
  });
  const trained = store.entries.filter(({ spec }) => spec.trainable);
  const groups = groupParameters(trained, {
    layers: { kind: 'layerWise', layerDecay: 0.9, numLayers: 6 },
    weightDecay: 0.05,
    decayGrn: false,
  });
  const records: LogRecord[] = [];
  const listener = { record: (record: LogRecord) => void records.push(record) };
  await trainLoop(
    {
      trainer: task,
      loader: SOURCE,
      buffers,
      settings: { ...SETTINGS, parameterRuns: parameterRuns(groups, trained), maxSteps },
      evaluate: (which) => {
        const { parameters, ema } = buffers;
        return Promise.resolve({
          boxes: (which === 'ema' ? (ema as Float32Array) : parameters)[0],
        });
      },
      state: restored?.state ?? { card: {}, config: {}, seed: 3, bestValue: null },
      startStep: restored?.step ?? 0,
    },
    { folder, communicator: SINGLE_PROCESS, listener },
  );
  await task.release();
  return { buffers, records };
}

const weights = (folder: string, step: number): Buffer =>
  readFileSync(join(folder, 'checkpoints', `step-${String(step).padStart(8, '0')}.safetensors`));

const CASCADE: DetectorConfig = {
  ...TINY_CONFIG,
  stages: cascadeStages({
    layers: { numConvs: 1, numFcs: 1, fcChannels: 8 },
    classAgnostic: false,
    boxLoss: { kind: 'giou', weight: 10 },
  }),
};

test.each([
  ['Mask R-CNN', TINY_CONFIG],
  ['Cascade Mask R-CNN, whose batch norms have running statistics', CASCADE],
])('a resumed run ends bit-equal to one that was not interrupted: %s', async (_, config) => {
  const [whole, halves] = [mkdtempSync(join(root, 'a')), mkdtempSync(join(root, 'b'))];
  await train(whole, 6, config);
  await train(halves, 3, config);
  await train(halves, 6, config);
  expect(weights(halves, 6).equals(weights(whole, 6))).toBe(true);
  expect(weights(halves, 3).equals(weights(whole, 6))).toBe(false);
});

test('training learns: all losses together fall, and both weights and average are scored', async () => {
  const { records, buffers } = await train(mkdtempSync(join(root, 'c')), 80);
  const losses = records.flatMap((record) =>
    record.kind === 'train' ? [record.losses['loss']] : [],
  );
  const mean = (values: readonly number[]): number =>
    values.reduce((a, b) => a + b, 0) / values.length;
  expect(mean(losses.slice(-8))).toBeLessThan(0.6 * mean(losses.slice(0, 8)));
  const scored = records.flatMap((record) =>
    record.kind === 'eval' ? [[record.which, record.metrics['boxes']]] : [],
  );
  expect(scored).toEqual([
    ['weights', buffers.parameters[0]],
    ['ema', (buffers.ema as Float32Array)[0]],
  ]);
});

test('a loss that is not finite ends the run with its term, the step and the images; nothing is saved', async () => {
  const folder = mkdtempSync(join(root, 'd'));
  const model = tinyDetector();
  const buffers = createFlatBuffers(parameterSize(model.specs), {
    moments: 2,
    ema: true,
    microGradients: true,
  });
  const store = new ParameterStore(model.specs, buffers.parameters);
  store.initialize(1);
  store.get('roi_head.bbox_head.fc_cls.bias')[1] = NaN;
  const task = createDetectorTrainer({
    engine: await engineOf('compiled'),
    model,
    buffers,
    dropPathRate: 0,
    seed: 3,
    communicator: SINGLE_PROCESS,
  });
  const failed = trainLoop(
    {
      trainer: task,
      loader: SOURCE,
      buffers,
      settings: { ...SETTINGS, parameterRuns: [], maxSteps: 1 },
      state: { card: {}, config: {}, seed: 3, bestValue: null },
      startStep: 0,
    },
    { folder, communicator: SINGLE_PROCESS },
  );
  await expect(failed).rejects.toThrow(WorkError);
  await expect(failed).rejects.toThrow(
    /step 0: expected finite losses.* got .*loss_cls = NaN.* on image\.png \(image 17\); image\.png \(image 17\)/,
  );
  expect(existsSync(join(folder, 'checkpoints'))).toBe(false);
  await task.release();
});

test('messages name file and image', async () => {
  const model = tinyDetector();
  const task = createDetectorTrainer({
    engine: await engineOf('compiled'),
    model,
    buffers: createFlatBuffers(parameterSize(model.specs), { moments: 0 }),
    dropPathRate: 0,
    seed: 1,
    communicator: SINGLE_PROCESS,
  });
  const batch = { value: batchOf([inputOf([]), inputOf([])]), release: () => undefined };
  expect(task.describe(batch)).toBe('image.png (image 17), image.png (image 17)');
  expect(task.numImages(batch)).toBe(2);
  await task.release();
});
