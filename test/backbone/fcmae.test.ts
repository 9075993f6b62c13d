import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import type { FcmaeConfig, FcmaeSpecs } from '../../backbone/fcmae.js';
import {
  fcmae,
  fcmaeConfig,
  fcmaeLoss,
  fcmaeSpecs,
  fcmaeTarget,
  patchify,
} from '../../backbone/fcmae.js';
import type { MaskedEncoder } from '../../backbone/fcmae-encoder.js';
import { gatheredEncoder } from '../../backbone/fcmae-encoder.js';
import { denseMaskedEncoder } from '../../bench/dense-masked-encoder.js';
import { fcmaeInputs, maskedBatch } from '../../backbone/fcmae-inputs.js';
import type { SiteIndices, SiteShape } from '../../backbone/fcmae-sites.js';
import { gatherVisible, scatterVisible } from '../../backbone/fcmae-sites.js';
import { maskFromNoise, patchGrid, segmentIndices } from '../../backbone/masking.js';
import { VARIANTS } from '../../backbone/variants.js';
import { Random } from '../../core/random.js';
import { numParameters, ParameterStore } from '../../engine/parameters/store.js';
import type { TensorTree } from '../../engine/parameters/tensors.js';
import type { HostTensor, HostTensors, Program } from '../../engine/runtime/program.js';
import { executable } from '../helpers/runtimes.js';

tf.env().set('PROD', true); // silences tfjs's hint to install its native package

const uniform = (seed: number, shape: readonly number[]): HostTensor => {
  const random = new Random(seed);
  const length = shape.reduce((a, b) => a * b, 1);
  return { shape, data: Float32Array.from({ length }, () => random.between(-1, 1)) };
};

/** A random autoencoder whose response norms and biases are not at their neutral start. */
function randomStore(config: FcmaeConfig): ParameterStore {
  const store = new ParameterStore(fcmaeSpecs(config));
  const random = new Random(5);
  store.values.forEach((_, i) => (store.values[i] = random.between(-0.3, 0.3)));
  return store;
}

function batchOf(
  config: FcmaeConfig,
  [numImages, height, width]: readonly [number, number, number],
  seed = 1,
): HostTensors {
  const grid = patchGrid({ height, width }, config.patchSize);
  const noise = uniform(seed, [numImages * grid.rows * grid.columns]).data as Float32Array;
  const image = uniform(seed + 1, [numImages, height, width, 3]);
  return fcmaeInputs(image, maskFromNoise(noise, grid, config.maskRatio), config.patchSize);
}

const program = (config: FcmaeConfig, encoder: MaskedEncoder): Program => ({
  name: 'autoencoder',
  forward: (params: TensorTree<FcmaeSpecs>, inputs) => ({
    ...fcmae(params, maskedBatch(inputs, config.patchSize), config, encoder),
  }),
});

const SMALL: FcmaeConfig = {
  ...fcmaeConfig({ depths: [1, 1, 1, 1], dims: [4, 8, 8, 12], responseNorm: 'grn' }),
  decoder: { channels: 8, depth: 1 },
};

const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((max, v) => Math.max(max, Math.abs(v)), 0);

const difference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  largest(Array.from(a, (v, i) => v - b[i]));

describe('the gathered encoder equals the dense masked encoder', () => {
  test.each<[string, Partial<FcmaeConfig>, readonly [number, number, number]]>([
    ['statistics by sample', { statistics: 'sample' }, [2, 64, 96]],
    ['statistics by batch', { statistics: 'batch' }, [3, 64, 64]],
    ['one image', { statistics: 'batch' }, [1, 64, 64]],
    ['a low ratio, raw pixels', { maskRatio: 0.25, normPixLoss: false }, [2, 64, 64]],
    ['a high ratio', { maskRatio: 0.8 }, [1, 96, 96]],
    ['patches of 64 pixels', { patchSize: 64, maskRatio: 0.5 }, [1, 128, 128]],
    ['two decoder blocks', { decoder: { channels: 4, depth: 2 } }, [1, 64, 64]],
    [
      'blocks without response norm',
      { backbone: { ...SMALL.backbone, responseNorm: 'none' } },
      [2, 64, 64],
    ],
  ])('%s', async (_, change, size) => {
    const config = { ...SMALL, ...change };
    const store = randomStore(config);
    const inputs = batchOf(config, size);
    const results = [];
    for (const encoder of [gatheredEncoder, denseMaskedEncoder]) {
      const into = new Float32Array(store.values.length).fill(NaN);
      const running = await executable('compiled', program(config, encoder), store, {
        of: 'loss',
        into,
      });
      const { encoded, prediction, loss } = await running.run(inputs);
      results.push({ encoded: encoded.data, prediction: prediction.data, loss: loss.data, into });
      await running.release();
    }
    const [gathered, dense] = results;
    for (const key of ['encoded', 'prediction', 'loss', 'into'] as const) {
      const scale = Math.max(1, largest(dense[key]));
      expect(difference(gathered[key], dense[key]), key).toBeLessThanOrEqual(1e-5 * scale);
    }
    expect(largest(gathered.into)).toBeGreaterThan(0);
  });
});

test('only visible pixels change the encoding and the prediction', async () => {
  const store = randomStore(SMALL);
  const running = await executable('compiled', program(SMALL, gatheredEncoder), store);
  const inputs = batchOf(SMALL, [1, 64, 64]);
  const run = async (patch: number): Promise<number> => {
    const data = Float32Array.from(inputs['image'].data);
    const corner = (Math.floor(patch / 2) * 32 * 64 + (patch % 2) * 32) * 3;
    data[corner] += 1;
    const { encoded } = await running.run({ ...inputs, image: { ...inputs['image'], data } });
    return difference(encoded.data, before);
  };
  const before = Float32Array.from((await running.run(inputs))['encoded'].data);
  const mask = [...inputs['mask'].data];
  for (const [patch, removed] of mask.entries()) {
    const change = await run(patch);
    if (removed) expect(change).toBe(0);
    else expect(change).toBeGreaterThan(1e-4);
  }
  await running.release();
});

test('per-sample statistics do not depend on the other images, per-batch statistics do', async () => {
  const store = randomStore(SMALL);
  const changes: Record<string, number> = {};
  for (const statistics of ['sample', 'batch'] as const) {
    const config = { ...SMALL, statistics };
    const running = await executable('compiled', program(config, gatheredEncoder), store);
    const inputs = batchOf(config, [2, 64, 64]);
    const half = inputs['image'].data.length / 2;
    const other = Float32Array.from(inputs['image'].data, (v, i) => (i < half ? v : 3 * v * v));
    const first = async (data: HostTensor['data']): Promise<Float32Array> => {
      const image = { ...inputs['image'], data };
      const { encoded } = await running.run({ ...inputs, image });
      return Float32Array.from(encoded.data.subarray(0, encoded.data.length / 2));
    };
    changes[statistics] = difference(await first(inputs['image'].data), await first(other));
    await running.release();
  }
  expect(changes['sample']).toBeLessThan(1e-6);
  expect(changes['batch']).toBeGreaterThan(1e-4);
});

describe('moving visible sites', () => {
  const shape: SiteShape = { numImages: 1, rows: 2, columns: 2, numVisible: 2, cell: 1 };
  const indices = (): SiteIndices => {
    const mask = maskFromNoise(Float32Array.of(3, 0, 1, 2), { rows: 2, columns: 2 }, 0.5);
    const { gather, scatter } = segmentIndices(mask, 1);
    return { gather: tf.tensor1d(gather, 'int32'), scatter: tf.tensor1d(scatter, 'int32') };
  };

  test('values and gradients computed by hand', async () => {
    await tf.setBackend('cpu');
    tf.tidy(() => {
      const at = indices();
      const map = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
      const rows = gatherVisible(map, at, shape);
      expect([...rows.dataSync()]).toEqual([2, 3]);
      expect([...scatterVisible(rows, at, shape).dataSync()]).toEqual([0, 2, 3, 0]);
      const weights = tf.tensor4d([10, 20], [1, 2, 1, 1]);
      const dMap = tf.grad((x) =>
        gatherVisible(x as tf.Tensor4D, at, shape)
          .mul(weights)
          .sum(),
      );
      expect([...dMap(map).dataSync()]).toEqual([0, 10, 20, 0]);
      const dRows = tf.grad((x) =>
        scatterVisible(x as tf.Tensor4D, at, shape)
          .mul(map)
          .sum(),
      );
      expect([...dRows(rows).dataSync()]).toEqual([2, 3]);
    });
  });

  test('no tensor leaks', async () => {
    await tf.setBackend('cpu');
    const at = indices();
    const map = tf.ones<tf.Rank.R4>([1, 2, 2, 3]);
    const before = tf.memory().numTensors;
    tf.dispose(tf.tidy(() => scatterVisible(gatherVisible(map, at, shape), at, shape)));
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([map, at.gather, at.scatter]);
  });

  test('another size is an error', () => {
    tf.tidy(() => {
      expect(() => gatherVisible(tf.zeros([1, 4, 2, 3]), indices(), shape)).toThrow(
        'gatherVisible: expected [1, 2, 2, 3], got [1, 4, 2, 3]',
      );
      expect(() => scatterVisible(tf.zeros([1, 4, 1, 3]), indices(), shape)).toThrow(
        'scatterVisible: expected [1, 2, 1, 3], got [1, 4, 1, 3]',
      );
    });
  });
});

describe('targets and loss', () => {
  test('patchify orders a patch as (y · patch + x) · 3 + c', async () => {
    await tf.setBackend('cpu');
    tf.tidy(() => {
      const image = tf.range(0, 2 * 4 * 4 * 3).reshape<tf.Tensor4D>([2, 4, 4, 3]);
      const patches = patchify(image, 2);
      expect(patches.shape).toEqual([2, 2, 2, 12]);
      const [n, row, column, y, x, c] = [1, 1, 0, 1, 1, 2];
      const expected = ((n * 4 + row * 2 + y) * 4 + column * 2 + x) * 3 + c;
      expect(patches.bufferSync().get(n, row, column, (y * 2 + x) * 3 + c)).toBe(expected);
    });
  });

  test('normalized targets have mean 0 and unbiased variance 1; constant patches become 0', async () => {
    await tf.setBackend('cpu');
    tf.tidy(() => {
      const image = uniform(3, [1, 32, 64, 3]);
      const values = Float32Array.from(image.data, (v, i) => (i % 192 < 96 ? 5 * v + 2 : 7));
      const target = Float32Array.from(
        fcmaeTarget(tf.tensor4d(values, [1, 32, 64, 3]), {
          patchSize: 32,
          normPixLoss: true,
        }).dataSync(),
      );
      const patch = target.subarray(0, 3072);
      const mean = patch.reduce((a, b) => a + b, 0) / 3072;
      const variance = patch.reduce((a, b) => a + (b - mean) ** 2, 0) / 3071;
      expect(mean).toBeCloseTo(0, 5);
      expect(variance).toBeCloseTo(1, 5);
      expect(largest(target.subarray(3072))).toBe(0);
    });
  });

  test('the loss is the mean over the removed patches of the whole batch', async () => {
    await tf.setBackend('cpu');
    tf.tidy(() => {
      const target = tf.zeros<tf.Rank.R4>([2, 1, 2, 2]);
      const prediction = tf.tensor4d([1, 3, 100, 100, 2, 0, 4, 4], [2, 1, 2, 2]);
      const mask = tf.tensor4d([1, 0, 1, 1], [2, 1, 2, 1]);
      // Patch errors: (1 + 9) / 2, (removed: not), (4 + 0) / 2, 16.
      expect(fcmaeLoss(prediction, target, mask).dataSync()[0]).toBeCloseTo((5 + 2 + 16) / 3, 6);
    });
  });
});

test('the encoder has the published parameters, and std 0.02 everywhere', () => {
  const specs = fcmaeSpecs(fcmaeConfig(VARIANTS.atto));
  expect(numParameters(specs.encoder)).toBe(3_386_760);
  const store = new ParameterStore(fcmaeSpecs({ ...SMALL, decoder: { channels: 64, depth: 1 } }));
  store.initialize(1);
  for (const path of ['proj.weight', 'pred.weight', 'mask_token', 'decoder.0.dwconv.weight']) {
    const values = store.get(path);
    const std = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
    expect(std, path).toBeGreaterThan(0.017);
    expect(std, path).toBeLessThan(0.023);
  }
});

test('a decoder without channels is an error', () => {
  expect(() => fcmaeSpecs({ ...SMALL, decoder: { channels: 0, depth: 1 } })).toThrow(
    'fcmae decoder: expected',
  );
});

test('a mask of another batch is an error', () => {
  const mask = maskFromNoise(new Float32Array(4), { rows: 2, columns: 2 }, 0.5);
  expect(() => fcmaeInputs(uniform(1, [2, 64, 64, 3]), mask, 32)).toThrow(
    'fcmaeInputs: expected a mask of 2 images with 2 × 2 patches, got 1 with 2 × 2',
  );
  expect(() => fcmaeInputs(uniform(1, [1, 64, 48, 3]), mask, 32)).toThrow(
    'patchGrid: expected image sides that are multiples of 32, got 64 × 48',
  );
});
