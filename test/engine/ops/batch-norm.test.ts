import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../../../core/errors.js';
import { batchNormReluTraining } from '../../../engine/ops/batch-norm.js';
import { composedBatchNorm } from '../../helpers/batch-norm.js';
import { maxError } from '../../helpers/fixtures.js';
import type { OpCase } from '../op-case.js';
import {
  WAYS,
  describeOp,
  expectSame,
  floats,
  forward,
  forwardAndGradients,
  opCase,
  values,
} from '../op-case.js';

beforeAll(() => tf.setBackend('cpu'));

type Norm = { x: tf.Tensor4D; weight: tf.Tensor1D; bias: tf.Tensor1D };

const EPS = 1e-5;

const affine = (channels: number): Record<'weight' | 'bias', ReturnType<typeof values>> => ({
  weight: values(2, [channels], [0.5, 2]),
  bias: values(3, [channels]),
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
    op: ({ x, weight, bias }) =>
      tf.tidy(() => {
        const { y, moments } = batchNormReluTraining(x, { weight, bias }, eps);
        return { y, ...moments }[name];
      }),
  });

describe.each(WAYS)('values computed by hand, %s', (way) => {
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
    expectSame('y', await result('y'), floats([2, 1, 2, 1], [0, 0, 1, 4]));
  });
});

test('equal fractions change nothing; a position of fraction 0 does not count', async () => {
  const fractions = floats(
    [1, 24],
    Array.from({ length: 24 }, (_, i) => (i < 12 ? 1 / 12 : 0)),
  );
  const weighted = (name: 'mean' | 'variance'): OpCase =>
    opCase<Norm & { fractions: tf.Tensor2D }>({
      name,
      inputs: { ...inputs, x: values(1, [2, 3, 4, 5]), fractions },
      op: ({ x, weight, bias, fractions: of }) =>
        tf.tidy(() => batchNormReluTraining(x, { weight, bias }, EPS, of).moments[name].clone()),
    });
  const half = { ...inputs, x: { shape: [1, 3, 4, 5], data: values(1, [2, 3, 4, 5]).data.slice(0, 60) } }; // prettier-ignore
  for (const name of ['mean', 'variance'] as const)
    expect(
      maxError(
        (await forward('eager cpu', weighted(name))).data,
        (await forward('eager cpu', training(name, half))).data,
      ),
    ).toBeLessThan(1e-6);
});

test('the parameters must have the size of the last axis', () => {
  const weight = tf.ones<tf.Rank.R1>([3]);
  const x = tf.zeros<tf.Rank.R4>([1, 2, 2, 4]);
  expect(() => batchNormReluTraining(x, { weight, bias: weight }, EPS)).toThrow(ShapeError);
  const four = tf.ones<tf.Rank.R1>([4]);
  expect(() =>
    batchNormReluTraining(x, { weight: four, bias: four }, EPS, tf.ones([1, 3])),
  ).toThrow('fractions');
});

test('training returns three tensors and leaks none', () => {
  const [x, weight] = [tf.ones<tf.Rank.R4>([1, 2, 2, 3]), tf.ones<tf.Rank.R1>([3])];
  const before = tf.memory().numTensors;
  const { y, moments } = batchNormReluTraining(x, { weight, bias: weight }, EPS);
  expect(tf.memory().numTensors - before).toBe(3);
  tf.dispose([x, weight, y, moments.mean, moments.variance]);
});

const inputs = { x: values(1, [3, 2, 3, 5], [-2, 3]), ...affine(5) };

/** Weights of the positions of `inputs`; the last image does not count. */
const FRACTIONS = Float32Array.from({ length: 18 }, (_, i) => (i < 12 ? (i + 1) / 78 : 0));

/** No result is so near to 0 that a small step crosses it. */
const WITHOUT_KINKS = {
  ...inputs,
  weight: values(2, [5], [0.3, 0.6]),
  bias: floats([5], [3, -3, 3, -3, 3]),
};

const relu = (kind: 'fused' | 'composed', weighted: boolean): OpCase =>
  opCase<Norm>({
    name: `ReLU of batch norm in training, ${weighted ? 'weighted' : 'equal weights'}`,
    inputs,
    op: ({ x, weight, bias }) =>
      tf.tidy(() => {
        const fractions = weighted ? tf.tensor2d(FRACTIONS, [1, 18]) : undefined;
        if (kind === 'fused') return batchNormReluTraining(x, { weight, bias }, EPS, fractions).y;
        return composedBatchNorm(x, { weight, bias }, EPS, fractions).y.relu();
      }),
  });

describeOp(
  [false, true].map((weighted) => ({ ...relu('fused', weighted), inputs: WITHOUT_KINKS })),
);

test.each([false, true])(
  'ReLU in the same op has the same values and gradients; with fractions: %s',
  async (weighted) => {
    const expected = await forwardAndGradients('eager cpu', relu('composed', weighted));
    for (const way of WAYS) {
      const actual = await forwardAndGradients(way, relu('fused', weighted));
      expectSame('y', actual.output, expected.output);
      for (const name of ['x', 'weight', 'bias'])
        expectSame(name, actual.gradients[name], expected.gradients[name]);
    }
  },
);

test('the moments beside ReLU are those of the norm alone', () => {
  const { x, weight, bias } = {
    x: tf.randomNormal<tf.Rank.R4>([2, 3, 2, 4], 1, 2, 'float32', 3),
    weight: tf.ones<tf.Rank.R1>([4]),
    bias: tf.zeros<tf.Rank.R1>([4]),
  };
  const [fused, alone] = [batchNormReluTraining, composedBatchNorm].map((norm) =>
    norm(x, { weight, bias }, EPS),
  );
  for (const name of ['mean', 'variance'] as const)
    expect([...fused.moments[name].dataSync()]).toEqual([...alone.moments[name].dataSync()]);
});
