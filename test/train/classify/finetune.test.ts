import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError, WeightsError } from '../../../core/errors.js';
import { readImageNet, type ClassificationSet } from '../../../datasets/imagenet.js';
import { evaluationResize } from '../../../datasets/transforms/evaluation.js';
import { RANDOM_ERASING } from '../../../datasets/transforms/random-erasing.js';
import { openEngine, type Engine } from '../../../engine/runtime/engine.js';
import type { ClassificationConfig } from '../../../train/config/classify.js';
import { pretrain } from '../../../train/tasks/pretrain.js';
import { readImageSplits } from '../../../train/pretrain/images.js';
import type { TrainResult } from '../../../train/loop.js';
import { fcmaeRecipe } from '../../../train/recipes/fcmae.js';
import { IMAGENET_1K_RECIPES } from '../../../train/recipes/imagenet-1k.js';
import type { LogRecord } from '../../../train/log-record.js';
import { readTensors } from '../../helpers/fixtures.js';
import { writeTinyClasses } from '../../helpers/tiny-classes.js';
import { runTask, type RunOptions } from '../../helpers/run-task.js';
import { classify } from '../../../train/tasks/classify.js';

const BACKBONE = { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16], responseNorm: 'grn' } as const;
const RECIPE = IMAGENET_1K_RECIPES['imagenet-tiny-1k'];

/** The recipe with all that it switches on, at a size for tests. */
const CONFIG: ClassificationConfig = {
  ...RECIPE,
  backbone: BACKBONE,
  training: {
    ...RECIPE.training,
    inputSize: 32,
    erasing: { ...RANDOM_ERASING, probability: 1 }, // two dozen images: some must be erased
  } as ClassificationConfig['training'],
  evaluation: evaluationResize(32),
  batchSize: 6,
  accumulation: 2,
  lr: 0.02,
  emaDecay: 0.9,
  epochs: 12,
  warmupEpochs: 2,
  logEvery: 1,
  evaluateEvery: 12,
  checkpointEvery: 100,
  workers: 0,
};

let data: string;
let engine: Engine;
let encoder: string;
const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'convnextv2-finetune-'));
  folders.push(folder);
  return folder;
};
const checkpoint = (folder: string, step: number): string =>
  join(folder, 'checkpoints', `step-${String(step).padStart(8, '0')}.safetensors`);

beforeAll(async () => {
  data = writeTinyClasses();
  folders.push(data);
  engine = await openEngine();
  const recipe = fcmaeRecipe('atto');
  const folder = newFolder();
  await runTask(pretrain, {
    config: {
      ...recipe,
      fcmae: { ...recipe.fcmae, backbone: BACKBONE, decoder: { channels: 8, depth: 1 } },
      training: { ...recipe.training, inputSize: 64 } as typeof recipe.training,
      evaluation: evaluationResize(64),
      batchSize: 8,
      accumulation: 1,
      epochs: 1,
      workers: 0,
    },
    engine,
    training: readImageSplits(data).training,
    folder,
    seed: 1,
    resume: false,
    maxSteps: 2,
  });
  encoder = checkpoint(folder, 2);
});
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

function finetune(
  folder: string,
  options: Partial<RunOptions<ClassificationConfig, ClassificationSet>> = {},
): Promise<TrainResult> {
  const training = readImageNet(data, { split: 'train' });
  return runTask(classify, {
    config: CONFIG,
    engine,
    training,
    validation: readImageNet(data, { split: 'val', classes: training.classes }),
    folder,
    seed: 3,
    weights: encoder,
    resume: false,
    maxSteps: null,
    ...options,
  });
}

/** Values of a checkpoint after one update, by path. */
async function afterOneStep(
  config: ClassificationConfig,
  weights = encoder,
): Promise<ReadonlyMap<string, ArrayLike<number>>> {
  const folder = newFolder();
  await finetune(folder, { config, weights, maxSteps: 1 });
  return new Map(
    [...readTensors(checkpoint(folder, 1))].map(([name, { data: values }]) => [
      name,
      values as ArrayLike<number>,
    ]),
  );
}

const largestChange = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a, (value, i) => Math.abs(value - b[i])).reduce((x, y) => Math.max(x, y), 0);

test('the whole recipe learns, and scores both the weights and their average', async () => {
  const records: LogRecord[] = [];
  const folder = newFolder();
  const { metrics } = await finetune(folder, {
    listener: { record: (record) => void records.push(record) },
  });
  const scores = records.filter((record) => record.kind === 'eval');
  expect(scores.map(({ which }) => which)).toEqual(['weights', 'ema']);
  expect(scores[0].metrics['loss']).not.toBe(scores[1].metrics['loss']);
  expect(metrics?.['top1']).toBeGreaterThan(0.6); // chance is a third
}, 60_000);

describe('from an encoder', () => {
  // Without warm-up the first rate is the peak; without decay a step of AdamW is the rate, times the layer's factor.
  const one: ClassificationConfig = {
    ...CONFIG,
    warmupEpochs: 0,
    weightDecay: 0,
    lr: 1e-3,
    optimizer: { kind: 'adamw', betas: [0.9, 0.999], eps: 1e-14 }, // below the gradients behind so small a head
  };

  test('everything but norm and head is taken over, the head starts at a thousandth', async () => {
    const still = await afterOneStep({ ...one, lr: 0, minLr: 0 });
    const before = readTensors(encoder);
    for (const [name, { data: values }] of before)
      if (/^weights\.encoder\./.test(name))
        expect(still.get(name.replace('encoder.', ''))).toEqual(values);
    const head = still.get('weights.head.weight') ?? [];
    const size = Math.sqrt(Array.from(head).reduce((sum, v) => sum + v * v, 0) / head.length);
    expect(size).toBeGreaterThan(1e-5);
    expect(size).toBeLessThan(4e-5); // 0.02 · 0.001
  });

  test('layers move by their own rate, the head by the full one', async () => {
    const still = await afterOneStep({ ...one, lr: 0, minLr: 0 });
    const moved = await afterOneStep(one);
    const change = (name: string): number =>
      largestChange(moved.get(`weights.${name}`) ?? [], still.get(`weights.${name}`) ?? []);
    expect(change('head.weight')).toBeCloseTo(1e-3, 5);
    // Layer ids 1 … 4 of four blocks, the head's is 5.
    expect(change('stages.3.0.pwconv2.weight')).toBeCloseTo(0.9 * 1e-3, 5);
    expect(change('stages.0.0.pwconv2.weight')).toBeCloseTo(0.9 ** 4 * 1e-3, 5);
    expect(change('downsample_layers.0.0.weight')).toBeCloseTo(0.9 ** 4 * 1e-3, 5);
  });

  test.each<[string, Partial<ClassificationConfig>]>([
    ['drop path', { dropPathRate: 0 }],
    ['label smoothing', { labelSmoothing: 0 }],
    ['mixup and CutMix', { training: { ...CONFIG.training, mix: undefined } as never }],
    ['RandAugment', { training: { ...CONFIG.training, randAugment: undefined } as never }],
    ['random erasing', { training: { ...CONFIG.training, erasing: undefined } as never }],
  ])('%s has its effect', async (_, without) => {
    const [on, off] = [await afterOneStep(one), await afterOneStep({ ...one, ...without })];
    const name = 'moment1.head.weight'; // a tenth of the gradient
    expect(off.get(name)).not.toEqual(on.get(name));
  });
});

describe('a GRN that comes or goes', () => {
  const plain: ClassificationConfig = {
    ...CONFIG,
    backbone: { ...BACKBONE, responseNorm: 'none' },
    lr: 0,
    minLr: 0,
  };

  test('is dropped, and added with its initial values, where the configuration says so', async () => {
    const folder = newFolder();
    await finetune(folder, { config: { ...plain, adaptsResponseNorm: true }, maxSteps: 1 });
    const without = readTensors(checkpoint(folder, 1));
    expect([...without.keys()].some((name) => name.includes('.grn.'))).toBe(false);
    const name = 'stages.2.0.pwconv1.weight';
    expect(without.get(`weights.${name}`)?.data).toEqual(
      readTensors(encoder).get(`weights.encoder.${name}`)?.data,
    );
    const again = { ...CONFIG, lr: 0, minLr: 0, adaptsResponseNorm: true };
    const added = await afterOneStep(again, checkpoint(folder, 1));
    expect(added.get(`weights.${name}`)).toEqual(without.get(`weights.${name}`)?.data);
    expect(Array.from(added.get('weights.stages.2.0.grn.gamma') ?? [1]).every((v) => v === 0)).toBe(
      true,
    );
  });

  test('is an error otherwise', async () => {
    const run = finetune(newFolder(), { config: plain });
    await expect(run).rejects.toThrow(WeightsError);
    await expect(run).rejects.toThrow('unexpected stages.0.0.grn.gamma');
  });
});

test('from a classifier the norm before the head is kept, and the head if its classes have the same names', async () => {
  const folder = newFolder();
  await finetune(folder, { maxSteps: 6 });
  const trained = readTensors(checkpoint(folder, 6));
  const still = { ...CONFIG, lr: 0, minLr: 0 };
  const next = await afterOneStep(still, checkpoint(folder, 6));
  const kept = ['weights.norm.weight', 'weights.stages.1.0.dwconv.weight'];
  for (const name of [...kept, 'weights.head.weight'])
    expect(next.get(name)).toEqual(trained.get(name)?.data);
  const training = readImageNet(data, { split: 'train' });
  const [first, ...rest] = training.classes;
  const renamed = { ...training, classes: [{ ...first, name: 'other' }, ...rest] };
  const others = newFolder();
  await finetune(others, {
    config: still,
    weights: checkpoint(folder, 6),
    maxSteps: 1,
    training: renamed,
    validation: undefined,
  });
  const after = readTensors(checkpoint(others, 1));
  for (const name of kept) expect(after.get(name)?.data).toEqual(trained.get(name)?.data);
  expect(after.get('weights.head.weight')?.data).not.toEqual(
    trained.get('weights.head.weight')?.data,
  );
});

describe('errors before any work', () => {
  test('an odd batch cannot be mixed', async () => {
    const config = { ...CONFIG, batchSize: 3 };
    const run = finetune(newFolder(), { config });
    await expect(run).rejects.toThrow(ConfigError);
    await expect(run).rejects.toThrow(
      'train: expected an even batch for mixup and CutMix, got 3 images',
    );
  });

  test('weights of another size', async () => {
    const config = { ...CONFIG, backbone: { ...BACKBONE, dims: [8, 8, 16, 24] as const } };
    await expect(finetune(newFolder(), { config })).rejects.toThrow(WeightsError);
  });
});
