import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketOf, largestMaskChunk, maskChunks } from '../../../models/detection/buckets.js';

test('rows are halves of the largest number that are not too small', () => {
  expect([1000, 501, 500, 260, 130, 70, 1, 0].map((n) => bucketOf(n, 1000, 32))).toEqual([
    1000, 1000, 500, 500, 250, 125, 63, 63,
  ]);
});

test('without a limit they are powers of two from the smallest on', () => {
  expect([0, 8, 9, 33].map((n) => bucketOf(n, Infinity, 8))).toEqual([8, 8, 16, 64]);
});

test('more rows than the largest are made room for all the same', () => {
  expect(bucketOf(40, 32, 8)).toBe(40);
  expect(bucketOf(3, 4, 8)).toBe(4);
});

test('a handful of objects is a handful of mask rows', () => {
  expect([0, 4, 8, 9, 17, 25, 35, 100].map((n) => maskChunks(n).join('+'))).toEqual([
    '',
    '8',
    '8',
    '16',
    '16+8',
    '32',
    '32+8',
    '32+32+32+8',
  ]);
});

test('chunks hold all rows, waste at most seven, and come in three sizes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2000 }), (count) => {
      const chunks = maskChunks(count);
      const total = chunks.reduce((a, b) => a + b, 0);
      expect(total - count).toBeGreaterThanOrEqual(0);
      expect(total - count).toBeLessThan(8);
      expect(chunks.every((rows) => [8, 16, 32].includes(rows))).toBe(true);
      expect(Math.max(8, ...chunks)).toBe(largestMaskChunk(count));
      // Only the last one is filled up.
      expect(total - (chunks.at(-1) ?? 0)).toBeLessThanOrEqual(count);
    }),
  );
});

test('any number of rows needs memory for 32 at most, without a list of all runs', () => {
  expect(largestMaskChunk(Number.MAX_SAFE_INTEGER)).toBe(32);
  expect([0, 8, 9, 16, 17, 24, 25].map(largestMaskChunk)).toEqual([8, 8, 16, 16, 16, 16, 32]);
});
