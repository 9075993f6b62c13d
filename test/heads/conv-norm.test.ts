import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import type { BatchMoments } from '../../engine/ops/batch-norm.js';
import type { HostTensor } from '../../engine/runtime/program.js';
import { BATCH_NORM_EPS, convNorm, type BatchStatistics } from '../../heads/conv-norm.js';
import { maxError } from '../helpers/fixtures.js';
import {
  describeOp,
  expectSame,
  floats,
  forward,
  opCase,
  values,
  WAYS,
} from '../engine/op-case.js';

type Norm = {
  x: tf.Tensor4D;
  kernel: tf.Tensor4D;
  weight: tf.Tensor1D;
  bias: tf.Tensor1D;
  fractions: tf.Tensor2D;
};
const unused = (channels: number): { running_mean: tf.Tensor1D; running_var: tf.Tensor1D } => ({
  running_mean: tf.zeros([channels]),
  running_var: tf.ones([channels]),
});
/** Output and moments of a module in training. */
function inTraining(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  affine: { weight: tf.Tensor1D; bias: tf.Tensor1D },
  fractions: tf.Tensor2D,
): { y: tf.Tensor4D; moments: BatchMoments } {
  let seen: BatchStatistics | undefined;
  const params = { conv: { weight: kernel }, bn: { ...affine, ...unused(kernel.shape[3]) } };
  const y = convNorm(x, params, 'path', {
    kind: 'batch',
    fractions,
    onStatistics: (path, statistics) => {
      expect(path).toBe('path');
      seen = statistics;
    },
  });
  if (!seen) throw new Error('expected statistics, got none');
  return { y, moments: seen.moments };
}
const training = (x: HostTensor, fractions: HostTensor, channels = 4) =>
  opCase<Norm>({
    name: 'convolution, batch norm over RoIs, ReLU',
    inputs: {
      x,
      kernel: values(2, [3, 3, x.shape[3], channels]),
      weight: values(3, [channels], [0.5, 1.5]),
      bias: values(4, [channels], [2, 3]), // far from the kink of the ReLU
      fractions,
    },
    differentiable: ['x', 'kernel', 'weight', 'bias'],
    op: ({ x: features, kernel, weight, bias, fractions: of }) =>
      tf.tidy(() => inTraining(features, kernel, { weight, bias }, of).y),
  });
const evenFractions = (rows: number, real: number): HostTensor =>
  floats(
    [1, 4 * rows],
    Array.from({ length: 4 * rows }, (_, i) => (i < 4 * real ? 1 / (4 * real) : 0)),
  );
const full = training(values(1, [3, 2, 2, 4]), evenFractions(3, 3));

type Running = Record<'weight' | 'bias' | 'mean' | 'variance', tf.Tensor1D> & { x: tf.Tensor4D };

/** A 1×1 convolution by the identity: batch norm and ReLU alone. */
const running = opCase<Running>({
  name: 'batch norm with running statistics, ReLU',
  inputs: {
    x: floats([1, 1, 2, 2], [5, 1, 9, 3]),
    weight: floats([2], [3, 1]),
    bias: floats([2], [0, 10]),
    mean: floats([2], [1, 1]),
    variance: floats([2], [4 - BATCH_NORM_EPS, 0.25 - BATCH_NORM_EPS]),
  },
  differentiable: ['x', 'weight', 'bias'],
  op: ({ x, weight, bias, mean, variance }) =>
    tf.tidy(() => {
      const conv = { weight: tf.eye(2).reshape<tf.Tensor4D>([1, 1, 2, 2]) };
      const bn = { weight, bias, running_mean: mean, running_var: variance };
      return convNorm(x, { conv, bn }, 'path', { kind: 'running' });
    }),
});

describeOp([full, running]);

describe.each(WAYS)('%s', (way) => {
  test('inference uses the running statistics', async () => {
    // (5 − 1) / 2 · 3, (1 − 1) / 0.5 + 10, (9 − 1) / 2 · 3, (3 − 1) / 0.5 + 10
    expectSame('y', await forward(way, running), floats([1, 1, 2, 2], [6, 10, 12, 14]));
  });

  test('padding RoIs do not affect the others', async () => {
    const x = values(1, [3, 2, 2, 4]);
    const filled = new Float32Array(5 * 16).fill(1e3);
    filled.set(x.data);
    const padded = training({ shape: [5, 2, 2, 4], data: filled }, evenFractions(5, 3));
    const { data } = await forward(way, padded);
    const expected = await forward(way, full);
    expect(maxError(data.subarray(0, expected.data.length), expected.data)).toBeLessThan(1e-5);
  });
});

test('with the running statistics of a batch, inference equals training', async () => {
  await tf.setBackend('cpu');
  tf.tidy(() => {
    const { x, kernel, weight, bias, fractions } = Object.fromEntries(
      Object.entries(full.inputs).map(([name, { data, shape }]) => [
        name,
        tf.tensor(data, shape as number[] as [number]),
      ]),
    ) as Norm;
    const trained = inTraining(x, kernel, { weight, bias }, fractions);
    const { mean, variance } = trained.moments;
    const bn = { weight, bias, running_mean: mean, running_var: variance };
    const inferred = convNorm(x, { conv: { weight: kernel }, bn }, 'path', { kind: 'running' });
    expect(maxError(inferred.dataSync(), trained.y.dataSync())).toBeLessThan(1e-5);
    const convolved = tf.conv2d(x, kernel, 1, 'same').reshape([-1, 4]);
    const moments = tf.moments(convolved, 0);
    expect(maxError(mean.dataSync(), moments.mean.dataSync())).toBeLessThan(1e-6);
    expect(maxError(variance.dataSync(), moments.variance.dataSync())).toBeLessThan(1e-5);
    expect(BATCH_NORM_EPS).toBe(1e-5);
  });
});
