import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readImageNet } from '../../../datasets/imagenet.js';
import { evaluationResize } from '../../../datasets/transforms/evaluation.js';
import { openEngine, type Engine } from '../../../engine/runtime/engine.js';
import type { ClassificationConfig } from '../../../train/config/classify.js';
import type { RunLayout } from '../../../train/length/layout.js';
import type { TrainResult } from '../../../train/loop.js';
import { CLASSIFY } from '../../../train/recipes/classify.js';
import { classify } from '../../../train/tasks/classify.js';
import { runTask } from '../../helpers/run-task.js';
import { writeTinyClasses } from '../../helpers/tiny-classes.js';

const CONFIG: ClassificationConfig = {
  ...CLASSIFY,
  backbone: { depths: [1, 1, 1, 1], dims: [8, 16, 24, 32], responseNorm: 'grn' },
  training: { ...CLASSIFY.training, inputSize: 32 } as ClassificationConfig['training'],
  evaluation: evaluationResize(32),
  batchSize: 4,
  logEvery: 1,
  workers: 0,
  keepCheckpoints: 9,
  warmupEpochs: 3,
};
const KEPT = { warmup: false, evaluateEvery: false, checkpointEvery: false };

let data: string;
let engine: Engine;
const folders: string[] = [];
const newFolder = (): string => {
  folders.push(mkdtempSync(join(tmpdir(), 'convnextv2-length-')));
  return folders[folders.length - 1];
};
beforeAll(async () => {
  data = writeTinyClasses();
  folders.push(data);
  engine = await openEngine();
});
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

interface Session {
  readonly resume?: boolean;
  readonly maxSteps?: number;
  /** Layout that the run folder has. */
  readonly layout?: RunLayout | undefined;
  /** Milliseconds of a step after the layout; default 0. */
  readonly laterMs?: number;
}

/** Trains for 3.4 seconds by a clock on which every step takes 100 ms, so that it is laid out after 6 steps. */
async function train(
  folder: string,
  { resume = false, maxSteps, layout, laterMs = 0 }: Session = {},
): Promise<{ result: TrainResult; layout: RunLayout | undefined }> {
  let [calls, laterCalls] = [0, 0];
  let found: RunLayout | undefined;
  // Read before and after every step.
  const now = (): number => (found ? 600 + laterMs * laterCalls++ : 100 * Math.floor(++calls / 2));
  const by = { kind: 'minutes', minutes: 3.4 / 60, startMs: 0, reportImages: 0 } as const;
  const result = await runTask(classify, {
    config: CONFIG,
    engine,
    folder,
    seed: 3,
    resume,
    now,
    training: readImageNet(data, { split: 'train' }),
    maxSteps: maxSteps ?? null,
    length: { by, kept: KEPT, layout },
    observer: { planned: (planned) => (found ??= planned.layout) },
  });
  return { result, layout: found };
}

const weights = (folder: string, step: number): Buffer =>
  readFileSync(join(folder, 'checkpoints', `step-${String(step).padStart(8, '0')}.safetensors`));
const rates = (folder: string): readonly number[] =>
  readFileSync(join(folder, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { lr: number }).lr);

test('a run for a time is laid out once; resumed before or after that it ends with the same bits', async () => {
  const whole = newFolder();
  const { result, layout } = await train(whole);
  // 3.4 s less 2 % and the 0.6 s that 6 steps took leave 27 of 0.1 s.
  expect(layout).toMatchObject({ steps: 33, decidedAt: 6, warmupSteps: 3 });
  expect(result).toMatchObject({ step: 33, interrupted: false });
  expect(result.cutFrom).toBeUndefined();
  const last = rates(whole).at(-1) as number;
  expect(last).toBeLessThan(0.01 * CONFIG.lr);

  for (const stop of [2, 4, 6, 20]) {
    const folder = newFolder();
    await train(folder, { maxSteps: stop });
    await train(folder, { resume: true });
    expect(weights(folder, 33).equals(weights(whole, 33)), `stopped at ${stop}`).toBe(true);
  }
  // Killed after the layout, when the last checkpoint was older.
  const killed = newFolder();
  await train(killed, { maxSteps: 3 });
  await train(killed, { resume: true, layout });
  expect(weights(killed, 33).equals(weights(whole, 33))).toBe(true);
}, 240_000);

test('a run that becomes slower ends with its time and says so; resumed it takes all steps', async () => {
  const folder = newFolder();
  const { result } = await train(folder, { laterMs: 100 });
  expect(result.cutFrom).toBe(33);
  expect(result.step).toBeLessThan(33);
  expect(result.step).toBeGreaterThan(6);
  const resumed = await train(folder, { resume: true, laterMs: 1000 });
  expect(resumed.result).toMatchObject({ step: 33 });
  expect(resumed.result.cutFrom).toBeUndefined();
}, 120_000);
