import { mkdirSync, writeFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import { Random } from '../../../core/random.js';
import {
  loadSegmentationFolder,
  type SegmentationSet,
} from '../../../datasets/segmentation-folder.js';
import { decodeImage } from '../../../io/image/decode.js';
import { encodeLabelPng, encodeRgbPng } from '../../../io/png/write.js';
import { openEngine, type Engine } from '../../../engine/runtime/engine.js';
import { loadSegmenter } from '../../../inference/segment/load.js';
import { readCard } from '../../../inference/read-card.js';
import { modelOf } from '../../../inference/model-of.js';
import { readSamples } from '../../../report/samples.js';
import { SEGMENT_FINETUNE } from '../../../train/recipes/segment.js';
import type { SegmentationConfig } from '../../../train/config/segment.js';
import { evaluateSegmenter } from '../../../train/segment/evaluate.js';
import type { TrainResult } from '../../../train/loop.js';
import { latestValid } from '../../../weights/checkpoint-folder.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { runTask, type RunOptions } from '../../helpers/run-task.js';
import { segment } from '../../../train/tasks/segment.js';

const CLASSES = ['ground', 'thing'];
const CONFIG: SegmentationConfig = {
  ...SEGMENT_FINETUNE,
  backbone: { depths: [1, 1, 1, 1], dims: [4, 8, 8, 8], responseNorm: 'grn' },
  head: { channels: 8, poolScales: [1, 2, 3, 6], auxiliary: { channels: 4, weight: 0.4 } },
  geometry: { ...SEGMENT_FINETUNE.geometry, scale: { long: 96, short: 64 }, cropSize: 64 },
  evaluation: {
    limits: { long: 96, short: 64 },
    window: { cropSize: 64, stride: 32 },
    ratios: [1],
  },
  dropPathRate: 0.1,
  batchSize: 2,
  steps: 6,
  warmup: { steps: 1, ratio: 0.1 },
  evaluateEverySteps: 1000,
  checkpointEverySteps: 1000,
  logEvery: 1,
  workers: 1,
};

const { path } = temporaryFolder();
let set: SegmentationSet;
let engine: Engine;

beforeAll(async () => {
  const [images, labels] = ['images', 'labels'].map(path);
  [images, labels].forEach((folder) => mkdirSync(folder));
  const random = new Random(1);
  for (let i = 0; i < 4; i++) {
    const [width, height] = [80, 64];
    const map = Uint8Array.from({ length: width * height }, (_, p) =>
      p % width < 20 + 10 * i ? 0 : 1,
    );
    const pixels = Uint8Array.from({ length: 3 * map.length }, (_, v) =>
      Math.floor(random.between(0, 80) + 150 * map[Math.floor(v / 3)]),
    );
    writeFileSync(`${images}/${i}.png`, encodeRgbPng({ width, height, data: pixels }));
    writeFileSync(`${labels}/${i}.png`, encodeLabelPng({ width, height, data: map }));
  }
  set = loadSegmentationFolder({ images, labels, classes: CLASSES });
  engine = await openEngine();
});

const OPTIONS = { seed: 1, resume: false, maxSteps: null } as const;
const train = (
  name: string,
  options: Partial<RunOptions<SegmentationConfig, SegmentationSet>> = {},
): Promise<TrainResult> =>
  runTask(segment, {
    config: CONFIG,
    engine,
    training: set,
    validation: set,
    folder: path(name),
    ...OPTIONS,
    ...options,
  });

async function checkpointOf(
  name: string,
): Promise<{ file: string; state: Record<string, unknown> }> {
  const { checkpoint } = await latestValid<Record<string, unknown>>(path(`${name}/checkpoints`));
  if (!checkpoint) throw new Error(`expected a checkpoint of ${name}`);
  return { file: checkpoint.file, state: checkpoint.state };
}

test('a run that is interrupted and resumed ends bit-equal, running statistics included', async () => {
  const whole = await train('whole');
  expect(whole.step).toBe(6);
  expect(whole.metrics).toMatchObject({ count: 4 });
  await train('parts', { maxSteps: 3 });
  await train('parts', { resume: true });
  const [a, b] = await Promise.all(
    ['whole', 'parts'].map(async (name) => loadSegmenter((await checkpointOf(name)).file)),
  );
  expect(b.store.values).toEqual(a.store.values);
  const mean = a.store.get('decode_head.fpn_bottleneck.bn.running_mean');
  expect(mean.some((value) => value !== 0)).toBe(true);
});

test('with batch norms over the step, micro-batches of one image are a batch of all', async () => {
  const ends = await Promise.all(
    [1, 2].map(async (accumulation) => {
      const name = `accumulated-${accumulation}`;
      const config: SegmentationConfig = {
        ...CONFIG,
        batchNormOver: 'step',
        batchSize: 2 / accumulation,
        accumulation,
        steps: 2,
      };
      await runTask(segment, {
        ...OPTIONS,
        engine,
        config,
        training: set,
        folder: path(name),
      });
      return loadSegmenter((await checkpointOf(name)).file);
    }),
  );
  const [{ values }, { values: divided }] = ends.map(({ store }) => store);
  const difference = Math.hypot(...values.map((v, i) => v - divided[i]));
  expect(difference).toBeLessThan(1e-5 * Math.hypot(...values));
});

test('samples are drawn at every evaluation: image, labels and prediction with their classes', async () => {
  const { items, note } = readSamples(path('whole'))!;
  expect(note).toBe('from left to right: image, labels, prediction');
  expect(items.map(({ caption }) => caption)).toEqual(['0.png', '1.png', '2.png', '3.png']);
  const { width, height } = await decodeImage(path(`whole/${items[3].file}`));
  expect(width).toBe(3 * 80 + 2 * 4); // three panels of 80 and two gaps
  expect(height).toBeGreaterThan(64); // a legend below
});

test('a checkpoint says what it is and scores as the run did', async () => {
  const { file, state } = await checkpointOf('whole');
  const card = readCard(file, state, 'segment');
  expect(card.classNames).toEqual(CLASSES);
  const { model, store } = await loadSegmenter(file, { classNames: card.classNames });
  const segmenter = modelOf<'segment'>(engine, { card, model, store });
  const scores = await evaluateSegmenter(segmenter, set);
  expect(scores.numImages).toBe(4);
  expect(scores.aAcc).toBeGreaterThan(0);
  await expect(evaluateSegmenter(segmenter, { ...set, classes: ['a', 'b', 'c'] })).rejects.toThrow(
    'expected the 2 classes of the model, got 3: ',
  );
  await segmenter.release();
});

test('validation data with other classes is refused before any work', async () => {
  const validation = { ...set, classes: ['ground', 'other'] };
  await expect(train('refused', { validation })).rejects.toThrow(DataError);
});
