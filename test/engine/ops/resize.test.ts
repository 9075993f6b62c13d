import { describe, expect, test } from 'vitest';
import type * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { bilinearMatrix, resizeBilinear, upsampleNearest2 } from '../../../engine/ops/resize.js';
import { maxError } from '../../helpers/fixtures.js';
import type { OpCase } from '../op-case.js';
import { WAYS, describeOp, expectSame, floats, forward, opCase, values } from '../op-case.js';

type Image = { x: tf.Tensor4D };

const resize = (
  shape: readonly number[],
  size: readonly [number, number],
  x = values(1, shape),
): OpCase =>
  opCase<Image>({
    name: `resize [${shape.join(', ')}] to ${size.join('×')}`,
    inputs: { x },
    op: (i) => resizeBilinear(i.x, size),
  });

const upsample = (shape: readonly number[], x = values(1, shape)): OpCase =>
  opCase<Image>({
    name: `upsample [${shape.join(', ')}]`,
    inputs: { x },
    op: (i) => upsampleNearest2(i.x),
  });

describe.each(WAYS)('values computed by hand, %s', (way) => {
  test('two pixels to four: half-pixel centers, clamped at the borders', async () => {
    const c = resize([1, 1, 2, 1], [1, 4], floats([1, 1, 2, 1], [0, 4]));
    // Sources −0.25 → 0, 0.25, 0.75, 1.25 → 1.
    expectSame('y', await forward(way, c), floats([1, 1, 4, 1], [0, 1, 3, 4]));
  });

  test('four pixels to two: no antialiasing, the average of two neighbors', async () => {
    const c = resize([1, 4, 1, 1], [2, 1], floats([1, 4, 1, 1], [1, 3, 10, 30]));
    expectSame('y', await forward(way, c), floats([1, 2, 1, 1], [2, 20]));
  });

  test('to one pixel: the center', async () => {
    const c = resize([1, 3, 2, 1], [1, 1], floats([1, 3, 2, 1], [9, 9, 2, 6, 9, 9]));
    expectSame('y', await forward(way, c), floats([1, 1, 1, 1], [4]));
  });

  test('from one pixel: constant', async () => {
    const c = resize([1, 1, 1, 2], [2, 3], floats([1, 1, 1, 2], [5, -1]));
    const expected = floats(
      [1, 2, 3, 2],
      Array.from({ length: 12 }, (_, i) => (i % 2 ? -1 : 5)),
    );
    expectSame('y', await forward(way, c), expected);
  });

  test('nearest-neighbor upsampling repeats every pixel', async () => {
    const c = upsample([1, 1, 2, 2], floats([1, 1, 2, 2], [1, 2, 3, 4]));
    const row = [1, 2, 1, 2, 3, 4, 3, 4];
    expectSame('y', await forward(way, c), floats([1, 2, 4, 2], [...row, ...row]));
  });
});

describe('the interpolation matrix', () => {
  const sizes = fc.integer({ min: 1, max: 40 });

  test('has rows of at most two adjacent weights that sum to 1', () => {
    fc.assert(
      fc.property(sizes, sizes, (from, to) => {
        const matrix = bilinearMatrix(from, to);
        for (let i = 0; i < to; i++) {
          const row = [...matrix.subarray(i * from, (i + 1) * from)];
          const used = row.flatMap((weight, at) => (weight === 0 ? [] : [at]));
          expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
          expect(Math.min(...row)).toBeGreaterThanOrEqual(0);
          expect(used.at(-1)! - used[0]).toBeLessThanOrEqual(1);
        }
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  test('is symmetric: mirrored input gives mirrored output', () => {
    fc.assert(
      fc.property(sizes, sizes, (from, to) => {
        const matrix = bilinearMatrix(from, to);
        expect(maxError(matrix.slice().reverse(), matrix)).toBeLessThan(2e-5);
      }),
      { seed: 2, numRuns: 60 },
    );
  });

  test('keeps a ramp a ramp, away from the borders', () => {
    const matrix = bilinearMatrix(8, 20);
    for (let i = 2; i < 18; i++) {
      let value = 0;
      for (let j = 0; j < 8; j++) value += matrix[i * 8 + j] * j;
      expect(value).toBeCloseTo(((i + 0.5) * 8) / 20 - 0.5, 5);
    }
  });
});

describeOp([
  resize([2, 3, 4, 5], [6, 8]),
  resize([1, 5, 7, 3], [8, 10]),
  resize([1, 9, 8, 4], [4, 3]),
  resize([2, 4, 6, 3], [1, 1]),
  resize([1, 4, 5, 3], [4, 9]),
  resize([1, 3, 3, 2], [3, 3]),
  resize([1, 1, 1, 4], [3, 2]),
  upsample([2, 3, 4, 5]),
  upsample([1, 1, 1, 1]),
]);
