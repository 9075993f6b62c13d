import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigError, WorkError } from '../../core/errors.js';
import { readImageNet, type ClassificationSet } from '../../datasets/imagenet.js';
import { evaluationResize } from '../../datasets/transforms/evaluation.js';
import { openEngine, type Engine } from '../../engine/runtime/engine.js';
import type { ClassificationConfig } from '../../train/config/classify.js';
import type { TrainResult } from '../../train/loop.js';
import { CLASSIFY } from '../../train/recipes/classify.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';
import { runTask, type RunOptions } from '../helpers/run-task.js';
import { classify } from '../../train/tasks/classify.js';

const CONFIG: ClassificationConfig = {
  ...CLASSIFY,
  backbone: { depths: [1, 1, 1, 1], dims: [8, 16, 24, 32], responseNorm: 'grn' },
  dropPathRate: 0.2,
  training: { ...CLASSIFY.training, inputSize: 32 } as ClassificationConfig['training'],
  evaluation: evaluationResize(32),
  batchSize: 4,
  accumulation: 2,
  epochs: 8,
  warmupEpochs: 1,
  emaDecay: 0.9,
  clipNorm: 1,
  logEvery: 1,
  evaluateEvery: 4,
  checkpointEvery: 100,
  workers: 1,
};

let data: string;
let engine: Engine;
const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'convnextv2-run-'));
  folders.push(folder);
  return folder;
};

beforeAll(async () => {
  data = writeTinyClasses();
  folders.push(data);
  engine = await openEngine();
});
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

function train(
  folder: string,
  options: Partial<RunOptions<ClassificationConfig, ClassificationSet>> = {},
): Promise<TrainResult> {
  const training = readImageNet(data, { split: 'train' });
  const validation = readImageNet(data, { split: 'val', classes: training.classes });
  return runTask(classify, {
    config: CONFIG,
    engine,
    training,
    validation,
    folder,
    seed: 3,
    resume: false,
    maxSteps: null,
    ...options,
  });
}

const weights = (folder: string, step: number): Buffer =>
  readFileSync(join(folder, 'checkpoints', `step-${String(step).padStart(8, '0')}.safetensors`));

test('the same seed gives the same bits, also when resumed halfway, with any number of workers', async () => {
  const [whole, again, halves] = [newFolder(), newFolder(), newFolder()];
  await train(whole, { maxSteps: 20 });
  await train(again, { maxSteps: 20, config: { ...CONFIG, workers: 0 } });
  await train(halves, { maxSteps: 10 });
  await train(halves, { maxSteps: 20, resume: true });
  expect(weights(again, 20).equals(weights(whole, 20))).toBe(true);
  expect(weights(halves, 20).equals(weights(whole, 20))).toBe(true);
  const other = newFolder();
  await train(other, { maxSteps: 20, seed: 4 });
  expect(weights(other, 20).equals(weights(whole, 20))).toBe(false);
}, 120_000);

test('training learns, and the best checkpoint is kept', async () => {
  const folder = newFolder();
  const result = await train(folder);
  expect(result.interrupted).toBe(false);
  expect(result.bestValue).toBeGreaterThan(0.9);
  const lines = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const kinds = lines.map((line) => (JSON.parse(line) as { kind: string }).kind);
  expect(kinds.filter((kind) => kind === 'train').length).toBe(24);
  expect(kinds.filter((kind) => kind === 'eval').length).toBe(4); // epochs 4 and 8, weights and average
  expect(existsSync(join(folder, 'checkpoints', 'best.json'))).toBe(true);
}, 120_000);

test('a truncated newest checkpoint is passed over', async () => {
  const folder = newFolder();
  const config = { ...CONFIG, checkpointEvery: 1 };
  await train(folder, { config, maxSteps: 6 });
  const newest = join(
    folder,
    'checkpoints',
    readdirSync(join(folder, 'checkpoints'))
      .filter((f) => f.endsWith('tensors'))
      .sort()
      .at(-1) as string,
  );
  truncateSync(newest, 1000);
  const steps: number[] = [];
  await train(folder, {
    config,
    maxSteps: 6,
    resume: true,
    listener: {
      restored: ({ step, skipped }) => {
        steps.push(step);
        expect(skipped.map(({ file }) => file)).toEqual([newest]);
      },
    },
  });
  expect(steps).toEqual([3]);
}, 120_000);

test('an abort saves, and the resumed run is bit-equal', async () => {
  const [whole, stopped] = [newFolder(), newFolder()];
  await train(whole, { maxSteps: 5 });
  const stop = new AbortController();
  const result = await train(stopped, {
    maxSteps: 5,
    signal: stop.signal,
    listener: {
      record: (record) => {
        if (record.kind === 'train' && record.step === 2) stop.abort();
      },
    },
  });
  expect(result).toMatchObject({ interrupted: true, step: 2 });
  await train(stopped, { maxSteps: 5, resume: true });
  expect(weights(stopped, 5).equals(weights(whole, 5))).toBe(true);
}, 120_000);

test('a loss that is not finite stops the run, names step and images, and leaves the checkpoint', async () => {
  const folder = newFolder();
  await train(folder, { maxSteps: 2 });
  const before = weights(folder, 2);
  const config: ClassificationConfig = { ...CONFIG, lr: 1e30, clipNorm: null, warmupEpochs: 0 };
  const failing = train(folder, { config, maxSteps: 12, resume: true });
  await expect(failing).rejects.toThrow(WorkError);
  await expect(failing).rejects.toThrow(/step \d+: expected finite.*class\d/);
  expect(weights(folder, 2).equals(before)).toBe(true);
}, 120_000);

test('resuming without a checkpoint is an error', async () => {
  await expect(train(newFolder(), { resume: true })).rejects.toThrow(ConfigError);
});
