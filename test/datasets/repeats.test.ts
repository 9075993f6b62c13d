import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { repeatRare } from '../../datasets/repeats.js';

const COMMON = 0;
const RARE = 1;

describe('repeatRare', () => {
  test('images of a class in 1 of 8 are seen twice where half of the images would be common', () => {
    const classes = Array.from(
      { length: 16 },
      (_, i) => new Set(i % 8 === 3 ? [COMMON, RARE] : [COMMON]),
    );
    const all = Array.from({ length: 16 }, (_, i) => i);
    expect(repeatRare(classes, 0.5)).toEqual([...all, 3, 11].sort((a, b) => a - b));
    expect(repeatRare(classes, 1 / 8)).toEqual(all);
  });

  test('fractions of a repeat are carried on to later images', () => {
    // √(1 / (4/9)) = 1.5: every second one of the four is seen twice.
    const classes = Array.from({ length: 9 }, (_, i) => new Set(i < 4 ? [RARE] : []));
    expect(repeatRare(classes, 1)).toEqual([0, 1, 1, 2, 3, 3, 4, 5, 6, 7, 8]);
  });

  test('every image occurs, and the number of repeats is the sum of the factors, rounded down', () => {
    const images = fc.array(fc.uniqueArray(fc.nat(4)), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(images, fc.double({ min: 0, max: 1, noNaN: true }), (lists, threshold) => {
        const classes = lists.map((own) => new Set(own));
        const repeated = repeatRare(classes, threshold);
        expect([...new Set(repeated)]).toEqual(lists.map((_, i) => i));
        const share = (index: number): number =>
          lists.filter((own) => own.includes(index)).length / lists.length;
        const factors = lists.map((own) =>
          Math.max(1, ...own.map((index) => Math.sqrt(threshold / share(index)))),
        );
        const sum = factors.reduce((total, factor) => total + factor, 0);
        expect(Math.abs(repeated.length - sum)).toBeLessThan(1 + 1e-9);
      }),
    );
  });
});
