import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../../../core/errors.js';
import {
  batchNormInference,
  batchNormTraining,
  updatedMoments,
} from '../../../engine/ops/batch-norm.js';
import type { OpCase } from '../op-case.js';
import { WAYS, describeOp, expectSame, floats, forward, opCase, values } from '../op-case.js';

beforeAll(() => tf.setBackend('cpu'));

type Norm = { x: tf.Tensor4D; weight: tf.Tensor1D; bias: tf.Tensor1D };
type Inference = Norm & { mean: tf.Tensor1D; variance: tf.Tensor1D };

const EPS = 1e-5;

const affine = (channels: number): Record<'weight' | 'bias', ReturnType<typeof values>> => ({
  weight: values(2, [channels], [0.5, 2]),
  bias: values(3, [channels]),
});

const inference = (name: string, inputs: OpCase<Inference>['inputs'], eps = EPS): OpCase =>
  opCase<Inference>({
    name,
    inputs,
    op: ({ x, weight, bias, mean, variance }) =>
      batchNormInference(x, { weight, bias }, { mean, variance }, eps),
  });

/** One of the results of training. */
const training = (
  name: 'y' | 'mean' | 'variance',
  inputs: OpCase<Norm>['inputs'],
  eps = EPS,
): OpCase =>
  opCase<Norm>({
    name: `batch norm in training: ${name}`,
    inputs,
    ...(name === 'y' ? {} : { differentiable: ['x'] as const }),
    op: ({ x, weight, bias }) =>
      tf.tidy(() => {
        const { y, moments } = batchNormTraining(x, { weight, bias }, eps);
        return { y, ...moments }[name];
      }),
  });

const update = (momentum: number, count: number, inputs: OpCase['inputs']): OpCase =>
  opCase<{ mean: tf.Tensor1D; variance: tf.Tensor1D; batch: tf.Tensor1D }>({
    name: 'updated moments',
    inputs,
    differentiable: [],
    op: ({ mean, variance, batch }) =>
      tf.tidy(() => {
        const moments = { mean: batch, variance: batch };
        const next = updatedMoments({ mean, variance }, moments, momentum, count);
        return tf.concat([next.mean, next.variance]);
      }),
  });

describe.each(WAYS)('values computed by hand, %s', (way) => {
  test('inference uses the statistics it is given', async () => {
    const c = inference(
      'values computed by hand',
      {
        x: floats([1, 1, 2, 2], [5, 1, 9, 3]),
        weight: floats([2], [3, 1]),
        bias: floats([2], [0, 10]),
        mean: floats([2], [1, 1]),
        variance: floats([2], [3.75, 0]),
      },
      0.25,
    );
    // (5 − 1) / 2 · 3, (1 − 1) / 0.5 + 10, (9 − 1) / 2 · 3, (3 − 1) / 0.5 + 10
    expectSame('y', await forward(way, c), floats([1, 1, 2, 2], [6, 10, 12, 14]));
  });

  test('training uses the statistics of all images and positions, with the population variance', async () => {
    const inputs = {
      x: floats([2, 1, 2, 1], [1, 2, 3, 6]),
      weight: floats([1], [2]),
      bias: floats([1], [1]),
    };
    const result = (name: 'y' | 'mean' | 'variance'): ReturnType<typeof forward> =>
      forward(way, training(name, inputs, 0.5));
    expectSame('mean', await result('mean'), floats([1], [3]));
    expectSame('variance', await result('variance'), floats([1], [3.5]));
    expectSame('y', await result('y'), floats([2, 1, 2, 1], [-1, 0, 1, 4]));
  });

  test('running moments take a tenth of the batch’s, with unbiased variance', async () => {
    const inputs = {
      mean: floats([1], [10]),
      variance: floats([1], [1]),
      batch: floats([1], [3]),
    };
    // 0.9 · 10 + 0.1 · 3 and 0.9 · 1 + 0.1 · 3 · 4 / 3
    expectSame('four values', await forward(way, update(0.1, 4, inputs)), floats([2], [9.3, 1.3]));
    // A single value has no unbiased variance; PyTorch refuses it, here it stays biased.
    expectSame('one value', await forward(way, update(0.1, 1, inputs)), floats([2], [9.3, 1.2]));
  });
});

test('inference with the batch’s moments equals training', async () => {
  const x = values(1, [2, 3, 4, 5], [-1, 4]);
  const inputs = { x, ...affine(5) };
  const mean = await forward('eager cpu', training('mean', inputs));
  const variance = await forward('eager cpu', training('variance', inputs));
  expectSame(
    'y',
    await forward('eager cpu', inference('own', { ...inputs, mean, variance })),
    await forward('eager cpu', training('y', inputs)),
  );
});

test('the parameters must have the size of the last axis', () => {
  const weight = tf.ones<tf.Rank.R1>([3]);
  const moments = { mean: weight, variance: weight };
  const x = tf.zeros<tf.Rank.R4>([1, 2, 2, 4]);
  expect(() => batchNormTraining(x, { weight, bias: weight }, EPS)).toThrow(ShapeError);
  expect(() => batchNormInference(x, { weight, bias: weight }, moments, EPS)).toThrow(ShapeError);
});

test('training returns three tensors and leaks none', () => {
  const [x, weight] = [tf.ones<tf.Rank.R4>([1, 2, 2, 3]), tf.ones<tf.Rank.R1>([3])];
  const before = tf.memory().numTensors;
  const { y, moments } = batchNormTraining(x, { weight, bias: weight }, EPS);
  expect(tf.memory().numTensors - before).toBe(3);
  const next = updatedMoments(moments, moments, 0.1, 4);
  expect(tf.memory().numTensors - before).toBe(5);
  tf.dispose([x, weight, y, moments.mean, moments.variance, next.mean, next.variance]);
});

const inputs = { x: values(1, [3, 2, 3, 5], [-2, 3]), ...affine(5) };

describeOp([
  inference('batch norm in inference', {
    ...inputs,
    mean: values(4, [5]),
    variance: values(5, [5], [0.5, 2]),
  }),
  training('y', inputs),
  training('mean', inputs),
  training('variance', inputs),
]);
