import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import { numElements } from '../../../core/shape.js';
import { loadClassifier } from '../../../inference/classify/load.js';
import { writeSafetensors } from '../../../io/safetensors/write.js';
import { maxError } from '../../helpers/fixtures.js';
import { RUNTIMES, executable } from '../../helpers/runtimes.js';

const DEPTHS = [1, 2, 1, 1];
const DIMS = [8, 12, 16, 24];
const CLASSES = 5;
const folder = mkdtempSync(join(tmpdir(), 'convnextv2-v1-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A ConvNeXt V1 state dict with random values: names and shapes of the original's code. */
function v1Tensors(): Map<string, { shape: number[]; data: Float32Array }> {
  const random = new Random(11);
  const tensors = new Map<string, { shape: number[]; data: Float32Array }>();
  const add = (name: string, shape: number[], scale: number, shift = 0): void => {
    const data = new Float32Array(numElements(shape)).map(() => shift + scale * random.normal());
    tensors.set(name, { shape, data });
  };
  const norm = (name: string, c: number): void => {
    add(`${name}.weight`, [c], 0.2, 1);
    add(`${name}.bias`, [c], 0.2);
  };
  const map = (name: string, shape: number[]): void => {
    add(`${name}.weight`, shape, 1 / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1)));
    add(`${name}.bias`, [shape[0]], 0.2);
  };
  DIMS.forEach((dim, s) => {
    map(
      `downsample_layers.${s}.${s === 0 ? 0 : 1}`,
      s === 0 ? [dim, 3, 4, 4] : [dim, DIMS[s - 1], 2, 2],
    );
    norm(`downsample_layers.${s}.${s === 0 ? 1 : 0}`, s === 0 ? dim : DIMS[s - 1]);
    for (let b = 0; b < DEPTHS[s]; b++) {
      const block = `stages.${s}.${b}`;
      map(`${block}.dwconv`, [dim, 1, 7, 7]);
      norm(`${block}.norm`, dim);
      map(`${block}.pwconv1`, [4 * dim, dim]);
      map(`${block}.pwconv2`, [dim, 4 * dim]);
      add(`${block}.gamma`, [dim], 0.5, 0.3); // LayerScale
    }
  });
  norm('norm', DIMS[3]);
  map('head', [CLASSES, DIMS[3]]);
  return tensors;
}

/** The V1 network in plain tfjs, straight from the paper: LayerScale, no response normalization. */
function v1Forward(
  tensors: ReadonlyMap<string, { shape: number[]; data: Float32Array }>,
  image: tf.Tensor4D,
): Float32Array {
  const get = (name: string): tf.Tensor => {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(name);
    return tf.tensor(tensor.data, tensor.shape);
  };
  const norm = (x: tf.Tensor, name: string): tf.Tensor => {
    const { mean, variance } = tf.moments(x, -1, true);
    return x
      .sub(mean)
      .div(variance.add(1e-6).sqrt())
      .mul(get(`${name}.weight`))
      .add(get(`${name}.bias`));
  };
  const conv = (x: tf.Tensor, name: string, stride: number): tf.Tensor =>
    tf
      .conv2d(
        x as tf.Tensor4D,
        get(`${name}.weight`).transpose([2, 3, 1, 0]) as tf.Tensor4D,
        stride,
        'valid',
      )
      .add(get(`${name}.bias`));
  const linear = (x: tf.Tensor, name: string): tf.Tensor =>
    x
      .reshape([-1, x.shape.at(-1) ?? 1])
      .matMul(get(`${name}.weight`).transpose())
      .add(get(`${name}.bias`));
  return tf.tidy(() => {
    let x: tf.Tensor = image;
    DIMS.forEach((dim, s) => {
      const layer = `downsample_layers.${s}`;
      x =
        s === 0
          ? norm(conv(x, `${layer}.0`, 4), `${layer}.1`)
          : conv(norm(x, `${layer}.0`), `${layer}.1`, 2);
      for (let b = 0; b < DEPTHS[s]; b++) {
        const block = `stages.${s}.${b}`;
        const weight = get(`${block}.dwconv.weight`).transpose([2, 3, 0, 1]) as tf.Tensor4D; // [7, 7, C, 1]
        const mixed = tf
          .depthwiseConv2d(x as tf.Tensor4D, weight, 1, 'same')
          .add(get(`${block}.dwconv.bias`));
        const hidden = linear(norm(mixed, `${block}.norm`), `${block}.pwconv1`);
        const active = hidden.mul(hidden.div(Math.SQRT2).erf().add(1)).mul(0.5);
        const branch = linear(active, `${block}.pwconv2`).mul(get(`${block}.gamma`));
        x = x.add(branch.reshape([...x.shape.slice(0, 3), dim]));
      }
    });
    return linear(norm(x.mean([1, 2]), 'norm'), 'head').dataSync() as Float32Array;
  });
}

test.each(RUNTIMES)('a V1 checkpoint computes the same in a V2 network: %s', async (runtime) => {
  const tensors = v1Tensors();
  const file = join(folder, 'v1.safetensors');
  await writeSafetensors(
    file,
    [...tensors].map(([name, { shape, data }]) => ({ name, dtype: 'F32' as const, shape, data })),
  );
  const { model, store } = await loadClassifier(file);
  const random = new Random(2);
  const data = new Float32Array(2 * 64 * 64 * 3).map(() => random.normal());
  const program = await executable(runtime, model.inference, store);
  const { logits } = await program.run({ image: { shape: [2, 64, 64, 3], data } });
  await tf.setBackend('cpu');
  const expected = v1Forward(tensors, tf.tensor4d(data, [2, 64, 64, 3]));
  expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.5);
  expect(maxError(logits.data, expected)).toBeLessThan(2e-5);
  await program.release();
});
