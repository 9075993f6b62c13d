import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../core/errors.js';
import { sameConv } from '../../engine/ops/conv.js';
import { resizeBilinear } from '../../engine/ops/resize.js';
import { convOfResized, shiftedBilinear } from '../../heads/upernet-resized-conv.js';
import type { OpCase } from '../engine/op-case.js';
import { WAYS, describeOp, expectSame, forward, opCase, values } from '../engine/op-case.js';

type Inputs = { a: tf.Tensor4D; b: tf.Tensor4D; c: tf.Tensor4D; weight: tf.Tensor4D };
const SIZE = [6, 5] as const;
const INPUTS: OpCase<Inputs>['inputs'] = {
  a: values(1, [2, 6, 5, 4]),
  b: values(2, [2, 3, 3, 8]),
  c: values(3, [2, 1, 1, 4]),
  weight: values(4, [3, 3, 16, 4]),
};
const fast = opCase<Inputs>({
  name: 'convOfResized',
  inputs: INPUTS,
  op: ({ a, b, c, weight }) => convOfResized([a, b, c], weight, SIZE),
});
const plain = opCase<Inputs>({
  name: 'resize, concatenate, convolve',
  inputs: INPUTS,
  op: ({ a, b, c, weight }) =>
    sameConv(tf.concat([a, resizeBilinear(b, SIZE), resizeBilinear(c, SIZE)], 3), { weight }),
});

test.each(WAYS)('equals the convolution of the upsampled, concatenated maps: %s', async (way) => {
  expectSame('y', await forward(way, fast), await forward('eager cpu', plain));
});

describeOp([fast]);

test('a map that is nearly as large is upsampled first', async () => {
  const inputs = { x: values(5, [1, 5, 5, 4]), weight: values(6, [3, 3, 4, 4]) };
  type One = { x: tf.Tensor4D; weight: tf.Tensor4D };
  const of = (op: (i: One) => tf.Tensor): OpCase => opCase<One>({ name: 'one map', inputs, op });
  const expected = of((i) => sameConv(resizeBilinear(i.x, SIZE), { weight: i.weight }));
  const actual = of((i) => convOfResized([i.x], i.weight, SIZE));
  expectSame('y', await forward('compiled', actual), await forward('eager cpu', expected));
});

describe('shifted interpolation', () => {
  test('by hand: two pixels to three, padding is zero', () => {
    // Interpolation rows: [1, 0], [0.5, 0.5], [0, 1].
    expect(Array.from(shiftedBilinear(2, 3))).toEqual([
      ...[0, 0, 1, 0, 0.5, 0.5],
      ...[1, 0, 0.5, 0.5, 0, 1],
      ...[0.5, 0.5, 0, 1, 0, 0],
    ]);
  });

  test('channels that do not add up are rejected', () => {
    tf.tidy(() => {
      const x = tf.zeros<tf.Rank.R4>([1, 2, 2, 3]);
      const weight = tf.zeros<tf.Rank.R4>([3, 3, 4, 1]);
      expect(() => convOfResized([x], weight, [4, 4])).toThrow(ShapeError);
    });
  });
});
