import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataError, ShapeError } from '../../core/errors.js';
import { pasteMaskRle, type PastedMask } from '../../core/paste-mask.js';
import { decodeRle, encodeRle } from '../../core/rle.js';
import { slowPaste } from './slow-paste.js';

/** The bitmap `[H, W]`, row-major. */
const pasteMask = (...of: Parameters<typeof pasteMaskRle>): Uint8Array =>
  decodeRle(pasteMaskRle(...of));

const image = { width: 20, height: 14 };
/** Hundredths, because fast-check's floats are mostly close to 0. */
const hundredths = (min: number, max: number): fc.Arbitrary<number> =>
  fc.integer({ min: 100 * min, max: 100 * max }).map((v) => Math.fround(v / 100));
const pasted = fc.record({
  mask: fc
    .array(hundredths(0, 1), { minLength: 16, maxLength: 16 })
    .map((values) => Float32Array.from(values)),
  box: fc
    .tuple(hundredths(-15, 25), hundredths(-15, 25), hundredths(0, 40), hundredths(0, 40))
    .map(([x, y, w, h]) => Float32Array.of(x, y, x + w, y + h)),
});

describe('pasting', () => {
  test('a full mask fills its box', () => {
    const bitmap = pasteMask(
      { mask: new Float32Array(4).fill(1), box: [1, 1, 3, 4] },
      { width: 4, height: 5 },
    );
    expect([...bitmap]).toEqual([0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
  });

  test('half of the mask fills half of the box; exactly one half is foreground', () => {
    // Cells 1 and 0 are interpolated at a quarter, so the four pixels get 1, 0.75, 0.25 and 0.
    const mask = Float32Array.of(1, 0, 1, 0);
    const paste = (threshold: number): number[] => [
      ...pasteMask({ mask, box: [0, 0, 4, 1] }, { width: 4, height: 1 }, threshold),
    ];
    expect(paste(0.5)).toEqual([1, 1, 0, 0]);
    expect(paste(0.75)).toEqual([1, 1, 0, 0]);
    expect(paste(0.25)).toEqual([1, 1, 1, 0]);
  });

  test('pixels are those of grid sampling at the threshold or above', () => {
    fc.assert(
      fc.property(pasted, fc.constantFrom(0.3, 0.5), (one: PastedMask, threshold) => {
        const rle = pasteMaskRle(one, image, threshold);
        const bitmap = decodeRle(rle);
        slowPaste(one, image).forEach((p, i) => {
          // Closer ones may fall on either side in float32.
          if (Math.abs(p - threshold) > 1e-6) expect(bitmap[i]).toBe(p > threshold ? 1 : 0);
        });
        expect(rle).toEqual(encodeRle(bitmap, image.height, image.width));
      }),
    );
  });

  test('runs that reach the borders, full and empty masks', () => {
    const full = new Float32Array(4).fill(1);
    const small = { width: 2, height: 3 };
    expect([...pasteMaskRle({ mask: full, box: [-9, -9, 12, 12] }, small).counts]).toEqual([0, 6]);
    expect([...pasteMaskRle({ mask: full, box: [5, 5, 9, 9] }, small).counts]).toEqual([6]);
    expect([...pasteMaskRle({ mask: full, box: [0, 0, 1, 3] }, small).counts]).toEqual([0, 3, 3]);
    expect([...pasteMaskRle({ mask: full, box: [0, 0, 2, 2] }, small).counts]).toEqual([
      0, 2, 1, 2, 1,
    ]);
  });

  test('a low threshold lets the last column of the window end in foreground', () => {
    const one = { mask: new Float32Array(4).fill(1), box: [0, 0, 10, 28] };
    const bitmap = pasteMask(one, image, 0.3);
    expect(bitmap[13 * 20 + 10]).toBe(1); // outside the box by half a pixel: 0.4
    expect(pasteMaskRle(one, image, 0.3)).toEqual(encodeRle(bitmap, 14, 20));
  });

  test('a box without extent gets the value at the middle of the mask', () => {
    const one = { mask: new Float32Array(4).fill(0.75), box: [3, 2, 3, 4] };
    expect(pasteMask(one, image, 0.75)).toContain(1);
    expect(pasteMask(one, image, 0.7501)).not.toContain(1);
  });

  test('bad masks and boxes are errors', () => {
    expect(() => pasteMask({ mask: new Float32Array(5), box: [0, 0, 1, 1] }, image)).toThrow(
      ShapeError,
    );
    expect(() => pasteMaskRle({ mask: new Float32Array(4), box: [0, 0, 1] }, image)).toThrow(
      ShapeError,
    );
    expect(() => pasteMask({ mask: new Float32Array(4), box: [0, 0, 1, NaN] }, image)).toThrow(
      DataError,
    );
  });
});
