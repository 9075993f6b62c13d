import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { convNeXtV2Specs } from '../../../backbone/convnextv2.js';
import { fcmaeConfig, fcmaeSpecs } from '../../../backbone/fcmae.js';
import type { ConvNeXtV2Config } from '../../../backbone/variants.js';
import { Random } from '../../../core/random.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import { openEngine, type Engine } from '../../../engine/runtime/engine.js';
import type { HostTensor } from '../../../engine/runtime/program.js';
import { parameterTargets } from '../../../weights/load.js';
import { collapseProgram, featureCollapse } from '../../../train/pretrain/collapse.js';
import { openEncoder } from '../../../train/pretrain/encoder.js';
import { saveCheckpoint } from '../../../weights/checkpoint.js';

const GRN: ConvNeXtV2Config = { depths: [1, 2, 1, 1], dims: [4, 4, 8, 8], responseNorm: 'grn' };
const PLAIN: ConvNeXtV2Config = { ...GRN, responseNorm: 'none' };

let engine: Engine;
const folder = mkdtempSync(join(tmpdir(), 'convnextv2-collapse-'));
beforeAll(async () => {
  engine = await openEngine();
});
afterAll(() => rmSync(folder, { recursive: true }));

function randomStore(config: ConvNeXtV2Config): ParameterStore {
  const store = new ParameterStore(convNeXtV2Specs(config));
  const random = new Random(2);
  store.values.forEach((_, i) => (store.values[i] = random.between(-0.5, 0.5)));
  return store;
}

const image = (seed: number): HostTensor => {
  const random = new Random(seed);
  const data = Float32Array.from({ length: 64 * 64 * 3 }, () => random.between(-1, 1));
  return { shape: [1, 64, 64, 3], data };
};

/** The definition, pair by pair. */
function meanDistance(data: ArrayLike<number>, channels: number): number {
  const of = (c: number): number[] => Array.from(data).filter((_, i) => i % channels === c);
  const dot = (a: number[], b: number[]): number => a.reduce((sum, v, i) => sum + v * b[i], 0);
  const all = Array.from({ length: channels }, (_, c) => of(c));
  const distances = all.flatMap((a) =>
    all.map((b) => (1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b) || 1)) / 2),
  );
  return distances.reduce((a, b) => a + b) / distances.length;
}

test('both points of every block, each the mean over images of the mean over pairs of channels', async () => {
  const store = randomStore(GRN);
  const images = [image(1), image(2)];
  const blocks = await featureCollapse(engine, store, images);
  expect(blocks.map(({ layer, point }) => `${layer}.${point}`)).toEqual(
    ['0.0', '1.0', '1.1', '2.0', '3.0'].flatMap((at) => [
      `stages.${at}.expanded`,
      `stages.${at}.normalized`,
    ]),
  );
  const program = engine.prepare(collapseProgram(), store, {});
  const expected = new Map<string, number>();
  for (const one of images) {
    for (const [name, { shape, data }] of Object.entries(await program.run({ image: one })))
      expected.set(name, (expected.get(name) ?? 0) + meanDistance(data, shape[3]) / 2);
  }
  await program.release();
  for (const { layer, point, distance } of blocks)
    expect(distance).toBeCloseTo(expected.get(`${layer}.${point}`) ?? NaN, 6);
});

test('blocks without response norm have one point; equal channels have no distance', async () => {
  const store = randomStore(PLAIN);
  const { spec } = store.entry('stages.3.0.pwconv1.weight');
  const weight = store.get('stages.3.0.pwconv1.weight');
  weight.forEach((_, i) => (weight[i] = weight[i - (i % spec.shape[1])]));
  store.get('stages.3.0.pwconv1.bias').fill(0.1);
  const blocks = await featureCollapse(engine, store, [image(1)]);
  expect(blocks.map(({ point }) => point)).toEqual(Array(5).fill('expanded'));
  expect(blocks[4].distance).toBeCloseTo(0, 6);
  expect(blocks[3].distance).toBeGreaterThan(0.05);
});

test('without images there is nothing to say', async () => {
  await expect(featureCollapse(engine, randomStore(GRN), [])).rejects.toThrow(
    'featureCollapse: expected images, got none',
  );
});

test.each([
  ['with-response-norm', GRN],
  ['without', PLAIN],
])('reads the encoder in the checkpoint of an autoencoder: %s', async (name, backbone) => {
  const store = new ParameterStore(
    fcmaeSpecs({ ...fcmaeConfig(backbone), decoder: { channels: 4, depth: 1 } }),
  );
  store.initialize(4);
  await saveCheckpoint(folder, name, {
    step: 1,
    groups: { weights: parameterTargets(store) },
    state: {},
  });
  const { config, store: encoder } = await openEncoder(join(folder, `${name}.safetensors`));
  expect(config).toEqual(backbone);
  expect(encoder.entries.length).toBeGreaterThan(0);
  for (const { path } of encoder.entries)
    expect(encoder.get(path)).toEqual(store.get(`encoder.${path}`));
});
