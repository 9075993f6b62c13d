import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { Random } from '../../core/random.js';
import { winogradConv } from '../../heads/winograd-conv.js';
import { maxAbs, maxError } from '../helpers/fixtures.js';
import {
  describeOp,
  expectSame,
  floats,
  forward,
  opCase,
  values,
  WAYS,
} from '../engine/op-case.js';

type Conv = { x: tf.Tensor4D; weight: tf.Tensor4D };

const convolution = (shape: readonly [number, number, number, number], out: number) =>
  opCase<Conv>({
    name: `3×3 over [${shape.join(', ')}] to ${out}`,
    inputs: {
      x: values(1, shape),
      weight: values(2, [3, 3, shape[3], out]),
    },
    op: ({ x, weight }) => winogradConv(x, weight),
  });

describeOp([
  convolution([2, 8, 4, 3], 2),
  convolution([1, 5, 7, 4], 4),
  convolution([2, 1, 1, 2], 3),
  convolution([3, 3, 9, 1], 1),
]);

describe.each(WAYS)('values computed by hand, %s', (way) => {
  test('the middle tap keeps the image, a side tap shifts it, zeros come in', async () => {
    const weight = new Float32Array(9 * 2);
    weight[4 * 2] = 1; // (1, 1) to output 0
    weight[3 * 2 + 1] = 1; // (1, 0) to output 1: the pixel to the left
    const c = {
      ...convolution([1, 1, 3, 1], 2),
      inputs: {
        x: floats([1, 1, 3, 1], [5, 6, 7]),
        weight: { shape: [3, 3, 1, 2], data: weight },
      },
    };
    expectSame('y', await forward(way, c), floats([1, 1, 3, 2], [5, 0, 6, 5, 7, 6]));
  });
});

/** The convolution in float64. */
function exact(
  x: Float32Array,
  weight: Float32Array,
  [h, w, c, k]: readonly number[],
): Float64Array {
  const y = new Float64Array(h * w * k);
  for (let i = 0; i < h; i++)
    for (let j = 0; j < w; j++)
      for (let a = 0; a < 9; a++) {
        const [row, column] = [i + Math.floor(a / 3) - 1, j + (a % 3) - 1];
        if (row < 0 || row >= h || column < 0 || column >= w) continue;
        for (let from = 0; from < c; from++) {
          const pixel = x[(row * w + column) * c + from];
          for (let to = 0; to < k; to++)
            y[(i * w + j) * k + to] += pixel * weight[(a * c + from) * k + to];
        }
      }
  return y;
}

test('over many channels the error stays below 1e-5 of the largest value', async () => {
  await tf.setBackend('cpu');
  const sizes = [9, 12, 256, 4] as const;
  const [h, w, c, k] = sizes;
  const random = new Random(1);
  const x = Float32Array.from({ length: h * w * c }, () => random.normal());
  const weight = Float32Array.from({ length: 9 * c * k }, () => random.normal());
  const y = tf.tidy(() => {
    const conv = (image: tf.Tensor): tf.Tensor =>
      winogradConv(image as tf.Tensor4D, tf.tensor4d(weight, [3, 3, c, k]));
    const dy = tf.ones([1, h, w, k]);
    return tf
      .valueAndGrad(conv)(tf.tensor4d(x, [1, h, w, c]), dy)
      .value.dataSync();
  });
  const expected = exact(x, weight, sizes);
  expect(maxError(y, expected)).toBeLessThan(1e-5 * maxAbs(expected));
});

test('maps of many tiles are processed in bands with the same result', async () => {
  await tf.setBackend('cpu');
  const random = new Random(1);
  const draw = (shape: [number, number, number, number]): tf.Tensor4D =>
    tf.tensor4d(
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.between(-1, 1)),
      shape,
    );
  tf.tidy(() => {
    // 2 × 25 × 24 tiles of which 512 at most are in a band.
    const x = draw([2, 99, 94, 2]);
    const weight = draw([3, 3, 2, 3]);
    const dy = draw([2, 99, 94, 3]);
    const conv = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
      winogradConv(a as tf.Tensor4D, b as tf.Tensor4D);
    const { value: y, grads: ours } = tf.valueAndGrads(conv)([x, weight], dy);
    const theirs = tf.grads((a: tf.Tensor, b: tf.Tensor) =>
      tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same'),
    )([x, weight], dy);
    expect(maxError(y.dataSync(), tf.conv2d(x, weight, 1, 'same').dataSync())).toBeLessThan(1e-5);
    ours.forEach((gradient, i) => {
      const expected = theirs[i].dataSync();
      expect(maxError(gradient.dataSync(), expected)).toBeLessThan(1e-5 * maxAbs(expected));
    });
  });
});
