import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigError, DataError } from '../../core/errors.js';
import { readImageNet, type ClassificationSet } from '../../datasets/imagenet.js';
import { evaluationResize } from '../../datasets/transforms/evaluation.js';
import { openEngine, type Engine } from '../../engine/runtime/engine.js';
import { readMetrics } from '../../io/run-folder.js';
import type { ClassificationConfig } from '../../train/config/classify.js';
import type { LogRecord } from '../../train/log-record.js';
import type { TrainResult } from '../../train/loop.js';
import { RunMonitor } from '../../train/monitor.js';
import { CLASSIFY } from '../../train/recipes/classify.js';
import { classify } from '../../train/tasks/classify.js';
import type { Setup } from '../../train/tasks/task.js';
import type { Scalars } from '../../train/trainer.js';
import { latestValid, readBest } from '../../weights/checkpoint-folder.js';
import { runTask, type RunOptions } from '../helpers/run-task.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';

/** Three steps per epoch. */
const CONFIG: ClassificationConfig = {
  ...CLASSIFY,
  backbone: { depths: [1, 1, 1, 1], dims: [8, 8, 8, 8], responseNorm: 'grn' },
  training: { ...CLASSIFY.training, inputSize: 32 } as ClassificationConfig['training'],
  evaluation: evaluationResize(32),
  batchSize: 8,
  epochs: 3,
  warmupEpochs: 1,
  emaDecay: 0.5,
  logEvery: 1,
  evaluateEvery: 1,
  checkpointEvery: 1,
  keepCheckpoints: 100,
  workers: 0,
};

let data: string;
let engine: Engine;
const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'convnextv2-safety-'));
  folders.push(folder);
  return folder;
};
beforeAll(async () => {
  data = writeTinyClasses();
  folders.push(data);
  engine = await openEngine();
});
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

type Evaluate = (real: () => Promise<Scalars>, which: string) => Promise<Scalars>;

/** Trains with an evaluation that is wrapped. */
function train(
  folder: string,
  evaluate: Evaluate = (real) => real(),
  options: Partial<RunOptions<ClassificationConfig, ClassificationSet>> = {},
): Promise<TrainResult> {
  const training = readImageNet(data, { split: 'train' });
  const task: typeof classify = {
    ...classify,
    setUp: (...args) => {
      const setup = classify.setUp(...args) as Setup<unknown>;
      return {
        ...setup,
        evaluate: (store, which) => evaluate(() => setup.evaluate!(store, which), which),
      };
    },
  };
  return runTask(task, {
    config: CONFIG,
    engine,
    training,
    validation: readImageNet(data, { split: 'val', classes: training.classes }),
    folder,
    seed: 3,
    ...options,
  });
}

const names = (folder: string): readonly string[] =>
  readdirSync(join(folder, 'checkpoints'))
    .filter((name) => name.endsWith('.safetensors'))
    .sort();
const weights = (folder: string, step: number): Buffer =>
  readFileSync(join(folder, 'checkpoints', `step-${String(step).padStart(8, '0')}.safetensors`));
/** Records without speeds. */
const records = (folder: string): readonly string[] =>
  readMetrics(folder).map((record) =>
    record.kind === 'eval'
      ? JSON.stringify(record)
      : JSON.stringify({ step: record.step, losses: record.losses, lr: record.lr }),
  );

test('an evaluation that fails is recorded and warned about, and training goes on to its end', async () => {
  const folder = newFolder();
  const notes: string[] = [];
  let calls = 0;
  const result = await train(
    folder,
    (real) => {
      if (++calls > 2) return real();
      throw new DataError('val/a.png: expected an image, got something else');
    },
    { listener: { note: (line) => notes.push(line) } },
  );
  const numSteps = Number(names(folder).at(-1)?.slice(5, 13));
  expect(result).toMatchObject({ step: numSteps, interrupted: false });
  const evaluations = readMetrics(folder).filter(({ kind }) => kind === 'eval');
  expect(evaluations.length).toBe(6);
  expect(evaluations[0]).toMatchObject({
    which: 'weights',
    metrics: {},
    problem: expect.stringContaining('val/a.png: expected an image') as string,
  });
  expect(evaluations[5]).not.toHaveProperty('problem');
  expect(notes.filter((line) => line.startsWith('warning: evaluation at step')).length).toBe(2);
  expect(result.bestValue).toBeGreaterThan(0);
});

test('NaN never becomes the best value, and the scores that are numbers are kept', async () => {
  const folder = newFolder();
  const result = await train(folder, async (real, which) => {
    const metrics = await real();
    return which === 'ema' ? { ...metrics, top1: NaN, top5: Infinity } : metrics;
  });
  const all = readMetrics(folder).filter(({ kind }) => kind === 'eval');
  const top1 = all.flatMap((record) => (record.kind === 'eval' ? [record.metrics['top1']] : []));
  expect(Number.isFinite(result.bestValue)).toBe(true);
  expect(top1.filter((value) => value !== undefined).length).toBe(3);
  const [, ema] = all as LogRecord[];
  expect(ema).toMatchObject({ problem: expect.stringContaining('top1') as string });
  expect(ema.kind === 'eval' && ema.metrics['count']).toBeGreaterThan(0);
  expect(readFileSync(join(folder, 'metrics.jsonl'), 'utf8')).not.toContain('null');
  const best = await readBest(join(folder, 'checkpoints'));
  expect(best?.value).toBe(result.bestValue);

  const none = newFolder();
  const { bestValue, metrics } = await train(none, () =>
    Promise.resolve({ top1: NaN, top5: NaN, count: 0 }),
  );
  expect(bestValue).toBeNull();
  expect(metrics).toEqual({ count: 0 });
  expect(existsSync(join(none, 'checkpoints', 'best.json'))).toBe(false);
  expect(names(none).length).toBe(3);
});

test('a run that is killed in an evaluation has its checkpoint, and repeats the evaluation when it is resumed', async () => {
  const whole = newFolder();
  await train(whole);
  // The state of the folder at every evaluation, as a kill would leave it.
  const killed: string[] = [];
  const other = newFolder();
  await train(other, (real) => {
    const copy = newFolder();
    cpSync(other, copy, { recursive: true });
    killed.push(copy);
    return real();
  });
  expect(killed.length).toBe(6);
  for (const folder of killed) {
    const { checkpoint } = await latestValid(join(folder, 'checkpoints'));
    expect(checkpoint?.state['awaitsEvaluation']).toBe(true);
    const listener = new RunMonitor({ folder, metric: 'top1' });
    const result = await train(folder, undefined, { resume: true, listener });
    listener.close();
    expect(records(folder)).toEqual(records(whole));
    expect(weights(folder, result.step).equals(weights(whole, result.step))).toBe(true);
    const best = join('checkpoints', 'best.json');
    expect(readFileSync(join(folder, best))).toEqual(readFileSync(join(whole, best)));
    const state = (name: string): unknown =>
      JSON.parse(
        readFileSync(
          join(
            name,
            'checkpoints',
            names(whole)
              .at(-1)!
              .replace(/safetensors$/, 'json'),
          ),
          'utf8',
        ),
      );
    expect(state(folder)).toEqual(state(whole));
  }
}, 120_000);

test('a run that is stopped at the end of an epoch evaluates when it is resumed', async () => {
  const [whole, stopped] = [newFolder(), newFolder()];
  await train(whole);
  const last = Number(names(whole)[0].slice(5, 13));
  const stop = new AbortController();
  const stopAt = (record: LogRecord): void => {
    if (record.kind === 'train' && record.step === last) stop.abort();
  };
  const { signal } = stop;
  await train(stopped, undefined, { signal, listener: { record: stopAt } });
  const listener = new RunMonitor({ folder: stopped, metric: 'top1' });
  await train(stopped, undefined, { resume: true, listener });
  listener.close();
  expect(records(stopped)).toEqual(records(whole));
});

test('a checkpoint by time is saved inside an epoch, and a run resumed from it is bit-equal', async () => {
  const [whole, timed] = [newFolder(), newFolder()];
  const config = { ...CONFIG, evaluateEvery: 100, checkpointEvery: 100 };
  await train(whole, undefined, { config });
  expect(names(whole).length).toBe(1);
  const { step } = await train(timed, undefined, { config, checkpointMinutes: 1e-9 });
  expect(names(timed).length).toBe(step);
  for (const name of names(timed).slice(2)) {
    const base = join(timed, 'checkpoints', name.replace(/\.safetensors$/, ''));
    ['json', 'safetensors'].forEach((extension) => rmSync(`${base}.${extension}`));
  }
  rmSync(join(timed, 'checkpoints', 'best.json'), { force: true });
  await train(timed, undefined, { config, resume: true });
  expect(weights(timed, step).equals(weights(whole, step))).toBe(true);
});

test('damaged checkpoints of later steps do not push out those that the resumed run writes', async () => {
  const [whole, damaged] = [newFolder(), newFolder()];
  await train(whole);
  cpSync(whole, damaged, { recursive: true });
  for (const name of names(damaged).filter((each) => /[69]\.safetensors/.test(each)))
    truncateSync(join(damaged, 'checkpoints', name), 1000);
  rmSync(join(damaged, 'checkpoints', 'best.json'));
  const config = { ...CONFIG, keepCheckpoints: 1 };
  await train(damaged, undefined, { config, resume: true });
  expect(names(damaged)).toContain('step-00000009.safetensors');
  expect(weights(damaged, 9).equals(weights(whole, 9))).toBe(true);
});

test('a run whose folder another process has taken over ends before it writes there', async () => {
  const folder = newFolder();
  let isLost = false;
  const assertOwned = (): void => {
    if (isLost) throw new ConfigError('taken over');
  };
  const lose = (real: () => Promise<Scalars>): Promise<Scalars> => {
    isLost = true;
    return real();
  };
  await expect(train(folder, lose, { assertOwned })).rejects.toThrow('taken over');
  const left = names(folder);
  expect(left.length).toBe(1);
  expect(records(folder).every((record) => !record.includes('"eval"'))).toBe(true);
  expect(await readBest(join(folder, 'checkpoints'))).toBeUndefined();
});
