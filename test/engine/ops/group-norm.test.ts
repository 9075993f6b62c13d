import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../../../core/errors.js';
import { groupNorm } from '../../../engine/ops/group-norm.js';
import { layerNorm } from '../../../engine/ops/layer-norm.js';
import type { HostTensor } from '../../../engine/runtime/program.js';
import type { OpCase } from '../op-case.js';
import { WAYS, describeOp, expectSame, floats, forward, opCase, values } from '../op-case.js';

beforeAll(() => tf.setBackend('cpu'));

type Norm = { x: tf.Tensor4D; weight: tf.Tensor1D; bias: tf.Tensor1D };

function group(name: string, x: HostTensor, groups: number, eps = 1e-5): OpCase {
  const channels = x.shape[3];
  return opCase<Norm>({
    name,
    inputs: { x, weight: values(2, [channels], [0.5, 2]), bias: values(3, [channels]) },
    op: (i) => groupNorm(i.x, { weight: i.weight, bias: i.bias }, groups, eps),
  });
}

describe.each(WAYS)('values computed by hand, %s', (way) => {
  test('positions and channels of a group are standardized together', async () => {
    const c: OpCase = {
      ...group('values computed by hand', floats([1, 1, 2, 4], [1, 2, 0, 0, 3, 6, 0, 8]), 2, 0.5),
      inputs: {
        x: floats([1, 1, 2, 4], [1, 2, 0, 0, 3, 6, 0, 8]),
        weight: floats([4], [2, 2, 1, 1]),
        bias: floats([4], [0, 1, 0, 0]),
      },
    };
    // Group 0 {1, 2, 3, 6}: mean 3, variance 3.5; group 1 {0, 0, 0, 8}: mean 2, variance 12.
    const far = 1 / Math.sqrt(12.5);
    const expected = [-2, 0, -2 * far, -2 * far, 0, 4, -2 * far, 6 * far];
    expectSame('y', await forward(way, c), floats([1, 1, 2, 4], expected));
  });
});

test('one group at one position is layer normalization', async () => {
  const c = group('one group', values(1, [3, 1, 1, 6]), 1);
  const layer = opCase<Norm>({
    name: 'layer norm',
    inputs: c.inputs as OpCase<Norm>['inputs'],
    op: ({ x, weight, bias }) => layerNorm(x, { weight, bias }, 1e-5),
  });
  expectSame('y', await forward('eager cpu', c), await forward('eager cpu', layer));
});

test('the channels must be a multiple of the groups', () => {
  const weight = tf.ones<tf.Rank.R1>([6]);
  const norm = (): tf.Tensor =>
    groupNorm(tf.zeros([1, 2, 2, 6]), { weight, bias: weight }, 4, 1e-5);
  expect(norm).toThrow(ShapeError);
  expect(norm).toThrow('groupNorm: expected channels divisible by 4, got 6');
});

test('the parameters must have the size of the last axis', () => {
  const weight = tf.ones<tf.Rank.R1>([1]);
  expect(() => groupNorm(tf.zeros([1, 2, 2, 6]), { weight, bias: weight }, 2, 1e-5)).toThrow(
    ShapeError,
  );
});

describeOp([
  group('group norm', values(1, [2, 3, 4, 12], [-2, 3]), 4),
  group('group norm, one channel each', values(1, [2, 3, 2, 5]), 5),
  group('group norm, one group', values(1, [2, 2, 3, 6]), 1),
]);
