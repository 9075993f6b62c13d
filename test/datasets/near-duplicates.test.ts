import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../../core/random.js';
import { differenceHash, nearDuplicates } from '../../datasets/near-duplicates.js';

/** A random picture of 9 x 8 gray values from 0 to 199. */
function picture(seed: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: 72 }, () => random.integer(200));
}

const bits = (hash: readonly number[]): string =>
  hash.map((half) => half.toString(2).padStart(32, '0')).join('');

test('the hash has one bit for every pixel that is brighter than its right neighbor', () => {
  const rows = Array.from({ length: 8 }, (_, y) => [9, 8, 7, 6, 5, 4, 3, 2, 1].map((v) => v + y));
  expect(differenceHash(rows.flat())).toEqual([0xffffffff, 0xffffffff]);
  expect(differenceHash(rows.flatMap((row) => row.toReversed()))).toEqual([0, 0]);
  const one = new Array<number>(72).fill(5);
  one[1] = 4; // the first pair falls, the second rises
  expect(bits(differenceHash(one))).toBe(`1${'0'.repeat(63)}`);
});

test('an image and its slightly changed copy are found across parts, the most similar first', () => {
  const [a, b, c] = [1, 2, 3].map(picture);
  const brighter = b.map((value) => value + 3);
  const changed = a.map((value, i) => (i !== 20 ? value : value > a[21] ? 0 : 199));
  const found = nearDuplicates([a, b, c, changed, brighter, picture(4)], [0, 0, 0, 1, 1, 1]);
  expect(found.map(({ image, other }) => [image, other])).toEqual([
    [4, 1],
    [3, 0],
  ]);
  expect(found[0].distance).toBe(0);
  expect(found[1].distance).toBeGreaterThan(0);
});

test('copies in the same part, flat pictures of other brightness and unreadable images are none', () => {
  const flat = (value: number): number[] => new Array<number>(72).fill(value);
  expect(nearDuplicates([picture(1), picture(1)], [0, 0])).toEqual([]);
  expect(nearDuplicates([flat(0), flat(200)], [0, 1])).toEqual([]);
  expect(nearDuplicates([flat(0), flat(3)], [0, 1])).toHaveLength(1);
  expect(nearDuplicates([undefined, picture(1), undefined], [0, 0, 1])).toEqual([]);
});

test('every pair of hashes within four bits is found, as by comparing all with all', () => {
  const flip = fc.record({ seed: fc.nat(2), at: fc.uniqueArray(fc.nat(71), { maxLength: 4 }) });
  fc.assert(
    fc.property(fc.array(flip, { minLength: 2, maxLength: 12 }), (changes) => {
      const pictures = changes.map(({ seed, at }) =>
        picture(seed).map((value, i) => (at.includes(i) ? (value + 40) % 256 : value)),
      );
      const parts = pictures.map((_, i) => i % 2);
      const near = (i: number, j: number): boolean => {
        const [a, b] = [pictures[i], pictures[j]].map((p) => bits(differenceHash(p)));
        const distance = [...a].filter((bit, k) => bit !== b[k]).length;
        const gray = pictures[i].reduce((sum, v, k) => sum + Math.abs(v - pictures[j][k]), 0) / 72;
        return distance <= 4 && gray <= 10;
      };
      const wanted = [...pictures.keys()].filter(
        (i) => parts[i] === 1 && pictures.some((_, j) => parts[j] === 0 && near(i, j)),
      );
      const found = nearDuplicates(pictures, parts);
      expect(found.map(({ image }) => image).sort((a, b) => a - b)).toEqual(wanted);
      for (const { image, other } of found) expect(near(image, other)).toBe(true);
    }),
    { seed: 2, numRuns: 200 },
  );
});
