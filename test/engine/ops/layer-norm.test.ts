import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../../../core/errors.js';
import { layerNorm, standardize } from '../../../engine/ops/layer-norm.js';
import { WAYS, describeOp, expectSame, floats, forward, opCase, values } from '../op-case.js';

beforeAll(() => tf.setBackend('cpu'));

const EPS = 1e-6;
type Norm = { x: tf.Tensor; weight: tf.Tensor1D; bias: tf.Tensor1D };

const norm = (name: string, shape: readonly number[], spread = 2): ReturnType<typeof opCase> => {
  const channels = shape.at(-1) ?? 1;
  return opCase<Norm>({
    name,
    inputs: {
      x: values(1, shape, [-spread, spread]),
      weight: values(2, [channels], [0.5, 2]),
      bias: values(3, [channels]),
    },
    op: ({ x, weight, bias }) => layerNorm(x, { weight, bias }, EPS),
  });
};

describe.each(WAYS)('values computed by hand, %s', (way) => {
  test('[1, 2, 3, 6] has mean 3 and population variance 3.5', async () => {
    const c = opCase<Norm>({
      name: 'values computed by hand',
      inputs: {
        x: floats([1, 4], [1, 2, 3, 6]),
        weight: floats([4], [1, 2, 1, 1]),
        bias: floats([4], [0, 0, 0.5, 0]),
      },
      op: ({ x, weight, bias }) => layerNorm(x, { weight, bias }, 0.5),
    });
    // (x − 3) / √(3.5 + 0.5) = −1, −0.5, 0, 1.5
    expectSame('y', await forward(way, c), floats([1, 4], [-1, -1, 0.5, 1.5]));
  });

  test('one channel, or equal channels, give the bias', async () => {
    const equal = opCase<{ x: tf.Tensor }>({
      name: 'equal',
      inputs: { x: floats([2, 3], [7, 7, 7, -2, -2, -2]) },
      op: ({ x }) => standardize(x, EPS),
    });
    expectSame('equal', await forward(way, equal), floats([2, 3], [0, 0, 0, 0, 0, 0]));
    const single = { ...equal, inputs: { x: floats([2, 1], [3, -5]) } };
    expectSame('single', await forward(way, single), floats([2, 1], [0, 0]));
  });
});

test('a mean far from zero does not reduce accuracy (the variance is centered first)', async () => {
  // E[x²] − E[x]² in float32 would lose all digits of the variance 1.25 at a mean of 4096.
  const x = floats([1, 4], [4096, 4097, 4098, 4099]);
  const expected = floats([1, 4], [-1.3416407, -0.4472136, 0.4472136, 1.3416407]);
  const c = opCase<{ x: tf.Tensor }>({
    name: 'far',
    inputs: { x },
    op: (i) => standardize(i.x, 0),
  });
  for (const way of WAYS) expectSame(way, await forward(way, c), expected);
});

test('the affine parameters must have the size of the last axis', () => {
  const weight = tf.ones<tf.Rank.R1>([3]);
  expect(() => layerNorm(tf.zeros([2, 4]), { weight, bias: weight }, EPS)).toThrow(ShapeError);
});

describeOp([
  norm('layer norm of a feature map', [2, 3, 4, 20]),
  norm('layer norm of vectors, odd channels', [5, 7]),
  norm('layer norm of one position', [1, 1, 1, 8]),
  opCase<{ x: tf.Tensor }>({
    name: 'standardize with a large epsilon',
    inputs: { x: values(4, [2, 2, 2, 6]) },
    op: ({ x }) => standardize(x, 0.1),
  }),
]);
