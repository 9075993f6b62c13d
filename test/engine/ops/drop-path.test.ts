import { beforeAll, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../../../core/errors.js';
import { dropPath } from '../../../engine/ops/drop-path.js';
import { WAYS, describeOp, expectSame, floats, forward, opCase, values } from '../op-case.js';

beforeAll(() => tf.setBackend('cpu'));

type DropPath = { branch: tf.Tensor4D; mask: tf.Tensor1D };

test.each(WAYS)('whole samples are dropped or scaled up: %s', async (way) => {
  const c = opCase<DropPath>({
    name: 'values computed by hand',
    inputs: { branch: floats([3, 1, 1, 2], [1, 2, 3, 4, 5, 6]), mask: floats([3], [0, 1.25, 1]) },
    op: ({ branch, mask }) => dropPath(branch, mask),
  });
  expectSame('y', await forward(way, c), floats([3, 1, 1, 2], [0, 0, 3.75, 5, 5, 6]));
});

test('the mask must have one entry for each sample', () => {
  expect(() => dropPath(tf.zeros([2, 1, 1, 3]), tf.ones([3]))).toThrow(ShapeError);
});

describeOp([
  opCase<DropPath>({
    name: 'drop path',
    inputs: { branch: values(1, [3, 2, 3, 4]), mask: floats([3], [1.25, 0, 1.25]) },
    op: ({ branch, mask }) => dropPath(branch, mask),
  }),
]);
