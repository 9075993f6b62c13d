import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { highestKeys, topK } from '../../core/nms-top-k.js';

/** Few values make ties, the others all magnitudes. */
const score = fc.oneof(
  fc.constantFrom(0, -0, 0.5, 1, -1, Infinity, -Infinity),
  fc.float({ noNaN: true }),
);
const scores = fc.array(score, { maxLength: 300 }).map((list) => Float32Array.from(list));

describe('topK', () => {
  test('highest first, ties by index', () => {
    expect([...topK(Float32Array.of(0.1, 0.9, 0.5, 0.9, 0.5, 0.5), 4)]).toEqual([1, 3, 2, 4]);
  });

  test('negative numbers and zeros of either sign are ordered as numbers', () => {
    expect([...topK(Float32Array.of(-2, -0, 0, -1, 3))]).toEqual([4, 1, 2, 3, 0]);
  });

  test('NaN of either sign comes last', () => {
    const values = Float32Array.of(NaN, -Infinity, 1, -NaN);
    new Uint32Array(values.buffer)[3] = 0xffc00000;
    expect([...topK(values)]).toEqual([2, 1, 0, 3]);
  });

  test('equals a stable sort', () => {
    fc.assert(
      fc.property(scores, fc.nat(310), (list, k) => {
        const sorted = Array.from(list.keys()).sort((a, b) =>
          list[a] === list[b] ? a - b : list[b] - list[a] > 0 ? 1 : -1,
        );
        expect([...topK(list, k)]).toEqual(sorted.slice(0, k));
      }),
      { numRuns: 500 },
    );
  });

  test('works on views into larger arrays', () => {
    const all = Float32Array.of(9, 1, 3, 2, 9);
    expect([...topK(all.subarray(1, 4), 2)]).toEqual([1, 2]);
  });

  test('for k = 0 or no scores the result is empty', () => {
    expect(topK(Float32Array.of(1, 2), 0)).toHaveLength(0);
    expect(topK(new Float32Array(0), 5)).toHaveLength(0);
  });
});

test('highestKeys returns ascending indices; ties at the limit go to the lowest', () => {
  const keys = Uint32Array.of(7, 0xffffffff, 7, 7, 0x80000000, 3);
  expect([...highestKeys(keys, 3)]).toEqual([0, 1, 4]);
  expect([...highestKeys(keys, 4)]).toEqual([0, 1, 2, 4]);
  expect([...highestKeys(keys, 9)]).toEqual([0, 1, 2, 3, 4, 5]);
});
