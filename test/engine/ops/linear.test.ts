import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../../../core/errors.js';
import { layerNorm, standardize } from '../../../engine/ops/layer-norm.js';
import { foldIntoLinear, foldNorm, linear } from '../../../engine/ops/linear.js';
import type { OpCase } from '../op-case.js';
import { WAYS, describeOp, expectSame, floats, forward, opCase, values } from '../op-case.js';

beforeAll(() => tf.setBackend('cpu'));

type Linear = { x: tf.Tensor; weight: tf.Tensor2D; bias: tf.Tensor1D };
type Folded = Linear & { scale: tf.Tensor1D; shift: tf.Tensor1D };

const layer = (name: string, shape: readonly number[], out: number): OpCase => {
  const channels = shape.at(-1) ?? 1;
  return opCase<Linear>({
    name,
    inputs: {
      x: values(1, shape),
      weight: values(2, [channels, out]),
      bias: values(3, [out]),
    },
    op: ({ x, weight, bias }) => linear(x, { weight, bias }),
  });
};

const folded = (name: string, op: (i: Folded) => tf.Tensor): OpCase =>
  opCase<Folded>({
    name,
    inputs: {
      x: values(1, [2, 3, 3, 5]),
      scale: values(4, [5], [0.5, 2]),
      shift: values(5, [5]),
      weight: values(2, [5, 6]),
      bias: values(3, [6]),
    },
    op: (i) => tf.tidy(() => op(i)),
  });

describe.each(WAYS)('values computed by hand, %s', (way) => {
  test('x · W + b', async () => {
    const c = opCase<Linear>({
      name: 'values computed by hand',
      inputs: {
        x: floats([2, 3], [1, 2, 3, 0, -1, 1]),
        weight: floats([3, 2], [1, 2, 3, 4, 5, 6]),
        bias: floats([2], [10, 20]),
      },
      op: ({ x, weight, bias }) => linear(x, { weight, bias }),
    });
    expectSame('y', await forward(way, c), floats([2, 2], [32, 48, 12, 22]));
  });

  test('folding a scale and shift changes nothing', async () => {
    const separate = folded('separate', ({ x, scale, shift, weight, bias }) =>
      linear(x.mul(scale).add(shift), { weight, bias }),
    );
    const together = folded('folded', ({ x, scale, shift, weight, bias }) =>
      linear(x, foldIntoLinear({ scale, shift }, { weight, bias })),
    );
    expectSame('y', await forward(way, together), await forward(way, separate));
  });

  test('folding a norm changes nothing', async () => {
    const separate = folded('separate', ({ x, scale, shift, weight, bias }) =>
      linear(layerNorm(x, { weight: scale, bias: shift }, 1e-6), { weight, bias }),
    );
    const together = folded('folded', ({ x, scale, shift, weight, bias }) =>
      linear(standardize(x, 1e-6), foldNorm({ weight: scale, bias: shift }, { weight, bias })),
    );
    expectSame('y', await forward(way, together), await forward(way, separate));
  });
});

test('the last axis must be the input of the weight', () => {
  const [weight, bias] = [tf.zeros<tf.Rank.R2>([3, 2]), tf.zeros<tf.Rank.R1>([2])];
  expect(() => linear(tf.zeros([5, 4]), { weight, bias })).toThrow(ShapeError);
});

test('folded tensors are new: disposing them keeps the parameters', () => {
  const weight = tf.ones<tf.Rank.R2>([2, 3]);
  const [shift, bias] = [tf.ones<tf.Rank.R1>([2]), tf.ones<tf.Rank.R1>([3])];
  const before = tf.memory().numTensors;
  const next = foldIntoLinear({ shift }, { weight, bias });
  expect(tf.memory().numTensors - before).toBe(2);
  tf.dispose([next.weight, next.bias]);
  expect([...weight.dataSync()]).toEqual([1, 1, 1, 1, 1, 1]);
  tf.dispose([weight, shift, bias]);
});

describeOp([
  layer('linear of a feature map', [2, 3, 4, 6], 10),
  layer('linear of rows', [5, 3], 4),
  layer('linear of one row to one number', [1, 3], 1),
  folded('folded linear', ({ x, scale, shift, weight, bias }) =>
    linear(x, foldIntoLinear({ scale, shift }, { weight, bias })),
  ),
  opCase<Linear & { shift: tf.Tensor1D }>({
    name: 'linear with a folded shift only',
    inputs: {
      x: values(1, [4, 5]),
      shift: values(5, [5]),
      weight: values(2, [5, 6]),
      bias: values(3, [6]),
    },
    op: ({ x, shift, weight, bias }) =>
      tf.tidy(() => linear(x, foldIntoLinear({ shift }, { weight, bias }))),
  }),
]);
