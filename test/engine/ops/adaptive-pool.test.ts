import { describe, expect, test } from 'vitest';
import type * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import {
  adaptiveAveragePool,
  globalAveragePool,
  poolingMatrix,
} from '../../../engine/ops/adaptive-pool.js';
import { maxError } from '../../helpers/fixtures.js';
import type { OpCase } from '../op-case.js';
import { WAYS, describeOp, expectSame, floats, forward, opCase, values } from '../op-case.js';

type Image = { x: tf.Tensor4D };

const pool = (shape: readonly number[], bins: number, x = values(1, shape)): OpCase =>
  opCase<Image>({
    name: `pool [${shape.join(', ')}] to ${bins}`,
    inputs: { x },
    op: (i) => adaptiveAveragePool(i.x, bins),
  });

const globalPool = (shape: readonly number[], x = values(1, shape)): OpCase =>
  opCase<Image>({
    name: `global pool [${shape.join(', ')}]`,
    inputs: { x },
    op: (i) => globalAveragePool(i.x),
  });

describe.each(WAYS)('values computed by hand, %s', (way) => {
  test('bins of 3 over 4 overlap: {0, 1}, {1, 2}, {2, 3}', async () => {
    const row = [0, 2, 6, 12];
    const x = floats([1, 4, 4, 1], [...row, ...row, ...row, ...row]);
    const expected = [1, 4, 9];
    const c = pool([1, 4, 4, 1], 3, x);
    expectSame(
      'y',
      await forward(way, c),
      floats([1, 3, 3, 1], [...expected, ...expected, ...expected]),
    );
  });

  test('more bins than positions repeat them', async () => {
    const c = pool([1, 1, 2, 1], 3, floats([1, 1, 2, 1], [1, 5]));
    const row = [1, 3, 5];
    expectSame('y', await forward(way, c), floats([1, 3, 3, 1], [...row, ...row, ...row]));
  });

  test('the global pool is the mean over the positions', async () => {
    const c = globalPool([1, 2, 2, 2], floats([1, 2, 2, 2], [1, 10, 2, 20, 3, 30, 6, 40]));
    expectSame('y', await forward(way, c), floats([1, 2], [3, 25]));
  });
});

test('one bin is the global mean, and as many bins as positions are the identity', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), (size) => {
      expect(maxError(poolingMatrix(size, 1), Array<number>(size).fill(1 / size))).toBeLessThan(
        1e-7,
      );
      const identity = Array.from({ length: size ** 2 }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
      expect([...poolingMatrix(size, size)]).toEqual(identity);
    }),
    { seed: 1, numRuns: 30 },
  );
});

test('the weights of every bin sum to 1', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 8 }), (size, bins) => {
      const matrix = poolingMatrix(size, bins);
      for (let i = 0; i < bins; i++) {
        const row = matrix.subarray(i * size, (i + 1) * size);
        expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
      }
    }),
    { seed: 2, numRuns: 60 },
  );
});

describeOp([
  ...[1, 2, 3, 6].map((bins) => pool([2, 6, 8, 5], bins)),
  pool([1, 7, 5, 4], 3),
  pool([1, 4, 5, 3], 6),
  globalPool([2, 3, 4, 5]),
  globalPool([1, 1, 1, 7]),
]);
