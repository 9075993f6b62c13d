import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { everySecond, enlargeNearest, fpn, fpnSpecs } from '../../heads/fpn.js';
import { listSpecs } from '../../engine/parameters/spec.js';
import type { OpCase } from '../engine/op-case.js';
import {
  describeOp,
  expectSame,
  floats,
  forward,
  opCase,
  values,
  WAYS,
} from '../engine/op-case.js';

type Image = { x: tf.Tensor4D };

const enlarge = (
  shape: readonly number[],
  size: readonly [number, number],
  x = values(1, shape),
): OpCase =>
  opCase<Image>({
    name: `enlarge [${shape.join(', ')}] to ${size.join('×')}`,
    inputs: { x },
    op: (i) => enlargeNearest(i.x, size),
  });

const second = (shape: readonly number[], x = values(1, shape)): OpCase =>
  opCase<Image>({
    name: `every second of [${shape.join(', ')}]`,
    inputs: { x },
    op: (i) => everySecond(i.x),
  });

describe.each(WAYS)('values computed by hand, %s', (way) => {
  test('two columns to five: source = floor(target · 2 / 5)', async () => {
    const c = enlarge([1, 1, 2, 1], [1, 5], floats([1, 1, 2, 1], [3, 4]));
    expectSame('y', await forward(way, c), floats([1, 1, 5, 1], [3, 3, 3, 4, 4]));
  });

  test('twice the size repeats', async () => {
    const c = enlarge([1, 2, 1, 2], [4, 2], floats([1, 2, 1, 2], [1, 2, 3, 4]));
    const expected = floats([1, 4, 2, 2], [1, 2, 1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4, 3, 4]);
    expectSame('y', await forward(way, c), expected);
  });

  test('every second row and column, the first included', async () => {
    const c = second([1, 3, 3, 1], floats([1, 3, 3, 1], [0, 1, 2, 3, 4, 5, 6, 7, 8]));
    expectSame('y', await forward(way, c), floats([1, 2, 2, 1], [0, 2, 6, 8]));
  });
});

describeOp([
  enlarge([2, 3, 2, 2], [6, 4]),
  enlarge([2, 3, 2, 2], [7, 5]),
  enlarge([1, 1, 1, 3], [1, 2]),
  enlarge([1, 2, 2, 3], [2, 2]),
  second([2, 4, 5, 2]),
  second([1, 1, 1, 3]),
]);

test('every upsampling takes the pixel given by the formula', () => {
  const side = fc.integer({ min: 1, max: 7 });
  fc.assert(
    fc.property(side, side, side, side, (h, w, moreRows, moreColumns) => {
      const [height, width] = [h + moreRows - 1, w + moreColumns - 1];
      const data = tf.tidy(() =>
        enlargeNearest(tf.range(0, h * w).reshape([1, h, w, 1]), [height, width]).dataSync(),
      );
      const expected = Array.from({ length: height * width }, (_, i) => {
        const [y, x] = [Math.floor(i / width), i % width];
        return Math.floor((y * h) / height) * w + Math.floor((x * w) / width);
      });
      expect([...data]).toEqual(expected);
    }),
  );
});

test('names and shapes are those of mmdetection', () => {
  const specs = fpnSpecs([8, 16, 24, 32], 4);
  expect(listSpecs(specs).map(([path, { shape }]) => [path, shape.join()])).toEqual([
    ...[8, 16, 24, 32].flatMap((channels, i) => [
      [`lateral_convs.${i}.conv.weight`, `1,1,${channels},4`],
      [`lateral_convs.${i}.conv.bias`, '4'],
    ]),
    ...[0, 1, 2, 3].flatMap((i) => [
      [`fpn_convs.${i}.conv.weight`, '3,3,4,4'],
      [`fpn_convs.${i}.conv.bias`, '4'],
    ]),
  ]);
});

test('levels whose sizes are not halves of each other still add up', async () => {
  await tf.setBackend('cpu');
  tf.tidy(() => {
    const ones = (shape: readonly number[]): tf.Tensor => tf.ones([...shape]);
    const conv = (k: number): { weight: tf.Tensor4D; bias: tf.Tensor1D } => {
      // The middle tap of 3×3 is 1, so the convolution does nothing.
      const weight = tf.buffer([k, k, 1, 1]);
      weight.set(1, (k - 1) / 2, (k - 1) / 2, 0, 0);
      return { weight: weight.toTensor() as tf.Tensor4D, bias: tf.zeros([1]) };
    };
    const params = {
      lateral_convs: [0, 1, 2, 3].map(() => ({ conv: conv(1) })),
      fpn_convs: [0, 1, 2, 3].map(() => ({ conv: conv(3) })),
    };
    const level = (h: number, w: number): tf.Tensor4D => ones([1, h, w, 1]) as tf.Tensor4D;
    const maps = { c2: level(10, 7), c3: level(5, 3), c4: level(2, 1), c5: level(1, 1) };
    const { p2, p3, p4, p5, p6 } = fpn(params, maps);
    expect([p2, p3, p4, p5, p6].map(({ shape }) => shape.join())).toEqual([
      '1,10,7,1',
      '1,5,3,1',
      '1,2,1,1',
      '1,1,1,1',
      '1,1,1,1',
    ]);
    [p2, p3, p4, p5, p6].forEach((p, i) => {
      for (const value of p.dataSync()) expect(value).toBeCloseTo([4, 3, 2, 1, 1][i], 5);
    });
  });
});
