import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boxIou, rleIou, runIou } from '../../core/rle-iou.js';
import { encodeRle, rleFromCounts } from '../../core/rle.js';

describe('boxIou', () => {
  test('divides the intersection by the union, or for a crowd by the detection’s area', () => {
    const dts = [0, 0, 10, 10, 100, 100, 5, 5];
    const gts = [5, 0, 10, 10, 5, 0, 10, 10];
    expect([...boxIou(dts, gts, [0, 1])]).toEqual([1 / 3, 0.5, 0, 0]);
  });

  test('boxes that only touch have 0', () => {
    expect([...boxIou([0, 0, 1, 1], [1, 0, 1, 1], [0])]).toEqual([0]);
  });

  test('an empty side gives an empty matrix', () => {
    expect(boxIou([], [0, 0, 1, 1], [0]).length).toBe(0);
    expect(boxIou([0, 0, 1, 1], [], []).length).toBe(0);
  });
});

describe('rleIou', () => {
  const pixels = fc.uint8Array({ minLength: 12, maxLength: 12, max: 1 });

  test('equals counting pixels', () => {
    fc.assert(
      fc.property(pixels, pixels, fc.integer({ min: 0, max: 1 }), (a, b, crowd) => {
        const both = a.filter((p, i) => p & b[i]).length;
        const either = crowd ? a.filter(Boolean).length : a.filter((p, i) => p | b[i]).length;
        const [iou] = rleIou([encodeRle(a, 3, 4)], [encodeRle(b, 3, 4)], [crowd]);
        expect(iou).toBe(both === 0 ? 0 : both / either);
      }),
    );
  });

  test('masks of different sizes have −1 if their boxes intersect, else 0', () => {
    const all = encodeRle([1, 1, 1, 1], 2, 2);
    expect([...rleIou([all], [encodeRle([1, 0, 0, 0, 0, 0], 2, 3)], [0])]).toEqual([-1]);
    expect([...rleIou([all], [encodeRle([0, 0, 1, 0, 0, 0], 2, 3)], [0])]).toEqual([0]);
  });

  test('ends where both masks have a run of length 0 at the same position', () => {
    const a = rleFromCounts([0, 1, 0, 3], 4, 1).counts;
    const b = rleFromCounts([0, 1, 0, 2, 1], 4, 1).counts;
    expect(runIou(a, b, false)).toBe(1);
  });
});
