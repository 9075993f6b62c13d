import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fcmaeSpecs } from '../../../backbone/fcmae.js';
import { ConfigError, WeightsError } from '../../../core/errors.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import { openEngine, type Engine } from '../../../engine/runtime/engine.js';
import { createClassifier } from '../../../models/classifier.js';
import { loadFcmae } from '../../../inference/pretrain/load.js';
import { readImageSplits, type ImageSet } from '../../../train/pretrain/images.js';
import type { PretrainingConfig } from '../../../train/config/pretrain.js';
import type { LogRecord } from '../../../train/log-record.js';
import { convertWeights } from '../../../weights/convert.js';
import { loadWeights, parameterTargets } from '../../../weights/load.js';
import { readTensors } from '../../helpers/fixtures.js';
import { writeTinyClasses } from '../../helpers/tiny-classes.js';
import { runTask, type RunOptions } from '../../helpers/run-task.js';
import { pretrain } from '../../../train/tasks/pretrain.js';
import { BACKBONE, CONFIG } from './run-config.js';

let data: string;
let engine: Engine;
const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'convnextv2-fcmae-'));
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
  options: Partial<RunOptions<PretrainingConfig, ImageSet>> = {},
): ReturnType<typeof runTask> {
  const { training, validation } = readImageSplits(data);
  return runTask(pretrain, {
    config: CONFIG,
    engine,
    training,
    validation,
    folder,
    seed: 3,
    resume: false,
    maxSteps: 4,
    ...options,
  });
}

const checkpoint = (folder: string, step: number): string =>
  join(folder, 'checkpoints', `step-${String(step).padStart(8, '0')}.safetensors`);

describe('a run', () => {
  let folder: string;
  const records: LogRecord[] = [];
  beforeAll(async () => {
    folder = newFolder();
    await train(folder, { listener: { record: (record) => void records.push(record) } });
  });

  test('scores held-out images under masks that do not change', () => {
    const scores = records.filter((record) => record.kind === 'eval');
    expect(scores.length).toBeGreaterThan(0);
    const { loss, explained, count } = scores[scores.length - 1].metrics;
    expect(count).toBe(readImageSplits(data).validation?.samples.length);
    expect(explained).toBeCloseTo(1 - loss, 6);
    const first = records.find((record) => record.kind === 'train');
    expect(first?.losses['loss']).toBeCloseTo(1, 1);
    expect(loss).toBeCloseTo(1, 1); // as little as predicting zero: so few steps teach nothing
  });

  test('is bit-equal when interrupted and resumed', async () => {
    const halves = newFolder();
    await train(halves, { maxSteps: 2 });
    await train(halves, { maxSteps: 4, resume: true });
    const bytes = (at: string): Buffer => readFileSync(checkpoint(at, 4));
    expect(bytes(halves).equals(bytes(folder))).toBe(true);
  });

  test('draws original, masked and reconstructed image', () => {
    const file = join(folder, 'reconstructions', 'image-0.png');
    const png = readFileSync(file);
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([3 * 64, 64]);
    expect(existsSync(`${file}.partial`)).toBe(false);
  });

  test('leaves an encoder that a classifier starts from', async () => {
    const model = createClassifier({ backbone: BACKBONE, classes: 3, headInitScale: 1 });
    const store = new ParameterStore(model.specs);
    const { loaded, dropped } = await loadWeights(checkpoint(folder, 4), parameterTargets(store), {
      exceptions: ['newHead', 'encoderOnly'],
    });
    expect(loaded.length).toBe(store.entries.length - 4); // all but norm and head
    expect(dropped).toContain('mask_token');
    const whole = new ParameterStore(fcmaeSpecs(CONFIG.fcmae));
    await loadFcmae(checkpoint(folder, 4), whole);
    for (const path of loaded) expect(store.get(path)).toEqual(whole.get(`encoder.${path}`));
  });

  test('an encoder of another size is refused', async () => {
    const other = { ...BACKBONE, dims: [4, 8, 8, 16] } as const;
    const store = new ParameterStore(fcmaeSpecs({ ...CONFIG.fcmae, backbone: other }));
    await expect(loadFcmae(checkpoint(folder, 4), store)).rejects.toThrow(WeightsError);
  });

  test('is written in the official dense and sparse layouts, and read back', async () => {
    const [dense, sparse] = [join(folder, 'dense.safetensors'), join(folder, 'sparse.safetensors')];
    await convertWeights(checkpoint(folder, 4), dense, { scheme: 'official' });
    await convertWeights(checkpoint(folder, 4), sparse, { scheme: 'sparse' });
    expect([...readTensors(dense).keys()].every((name) => /^(downs|stages)/.test(name))).toBe(true);
    const shapes = readTensors(sparse);
    expect(shapes.get('mask_token')?.shape).toEqual([1, 8, 1, 1]);
    expect(shapes.get('encoder.stages.0.0.dwconv.kernel')?.shape).toEqual([49, 4]);
    expect(shapes.get('decoder.0.grn.gamma')?.shape).toEqual([1, 1, 1, 32]);
    const stores = [checkpoint(folder, 4), sparse].map(async (file) => {
      const store = new ParameterStore(fcmaeSpecs(CONFIG.fcmae));
      await loadFcmae(file, store);
      return store.values;
    });
    const [ours, theirs] = await Promise.all(stores);
    expect(theirs).toEqual(ours);
  });

  test.each([
    ['a whole autoencoder', 'sparse.safetensors', 0],
    ['an encoder alone', 'dense.safetensors', 1],
  ])('starts from %s', async (_, file, numNew) => {
    const started = newFolder();
    const scheme = numNew ? 'official' : 'sparse';
    const weights = join(started, file);
    await convertWeights(checkpoint(folder, 4), weights, { scheme });
    // A rate of zero leaves the weights where they started.
    await train(started, { weights, config: { ...CONFIG, baseLr: 0 }, maxSteps: 1 });
    const [before, after] = [checkpoint(folder, 4), checkpoint(started, 1)].map(readTensors);
    const changed = [...before].filter(
      ([name, { data: values }]) =>
        name.startsWith('weights.') && `${values}` !== `${after.get(name)?.data}`,
    );
    expect(changed.some(([name]) => name.includes('encoder.'))).toBe(false);
    expect(changed.length > 0).toBe(numNew > 0);
  });
});

test('learns to tell the color of a class from visible patches', async () => {
  const config = { ...CONFIG, accumulation: 1, epochs: 15, baseLr: 0.6, evaluateEvery: 100 };
  const { metrics } = await train(newFolder(), { config, maxSteps: null });
  // The pictures are noise of variance 1200 around three colors that differ by a variance of 3200.
  expect(metrics?.['explained']).toBeGreaterThan(0.3);
  expect(metrics?.['explained']).toBeLessThan(0.8);
});

describe('errors before any work', () => {
  const broken = (
    fcmae: Partial<PretrainingConfig['fcmae']>,
    inputSize = 64,
  ): PretrainingConfig => ({
    ...CONFIG,
    fcmae: { ...CONFIG.fcmae, ...fcmae },
    training: { ...CONFIG.training, inputSize } as PretrainingConfig['training'],
  });

  test.each([
    [
      'an image of 80 pixels',
      broken({}, 80),
      'expected image sides that are multiples of 32, got 80 × 80',
    ],
    [
      'patches of 16 pixels',
      broken({ patchSize: 16 }),
      'expected a patch size that is a multiple of 32, got 16',
    ],
    ['a ratio of 0.9', broken({ maskRatio: 0.9 }), 'leaves no visible one of 4'],
    ['a ratio of 0', broken({ maskRatio: 0 }), 'leaves no removed one of 4'],
  ])('%s', async (_, config, message) => {
    const folder = join(newFolder(), 'run');
    const run = train(folder, { config });
    await expect(run).rejects.toThrow(ConfigError);
    await expect(run).rejects.toThrow(message);
    expect(existsSync(folder)).toBe(false);
  });
});
