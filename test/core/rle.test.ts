import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../core/errors.js';
import {
  decodeRle,
  encodeRle,
  mergeRles,
  rleArea,
  rleBox,
  rleFromCounts,
  type Rle,
} from '../../core/rle.js';

const mask = (rows: readonly string[]): Uint8Array => Uint8Array.from(rows.join(''), Number);

/** A random mask: its sides and its pixels. */
const anyMask = fc
  .record({ height: fc.integer({ min: 1, max: 9 }), width: fc.integer({ min: 1, max: 9 }) })
  .chain(({ height, width }) =>
    fc.record({
      height: fc.constant(height),
      width: fc.constant(width),
      pixels: fc.uint8Array({ minLength: height * width, maxLength: height * width, max: 1 }),
    }),
  );

describe('encodeRle', () => {
  test('runs go down the columns and begin with background', () => {
    const { counts } = encodeRle(mask(['010', '110']), 2, 3);
    expect([...counts]).toEqual([1, 3, 2]);
  });

  test('a mask that begins with foreground has a first run of length 0', () => {
    expect([...encodeRle(mask(['1']), 1, 1).counts]).toEqual([0, 1]);
  });

  test('any value but 0 is foreground', () => {
    expect([...encodeRle([0, 7], 1, 2).counts]).toEqual([1, 1]);
  });

  test('an empty mask has one run of length 0', () => {
    expect([...encodeRle([], 0, 5).counts]).toEqual([0]);
  });

  test('rejects another number of pixels, naming both', () => {
    expect(() => encodeRle([1, 0], 2, 2)).toThrow('expected 2 x 2 = 4 pixels, got 2');
  });
});

test('decodeRle inverts encodeRle', () => {
  fc.assert(
    fc.property(anyMask, ({ height, width, pixels }) => {
      expect(decodeRle(encodeRle(pixels, height, width))).toEqual(pixels);
    }),
  );
});

test('rleArea counts the foreground', () => {
  fc.assert(
    fc.property(anyMask, ({ height, width, pixels }) => {
      expect(rleArea(encodeRle(pixels, height, width))).toBe(pixels.reduce((a, b) => a + b, 0));
    }),
  );
});

describe('rleBox', () => {
  test('bounds a mask whose runs stay in their columns', () => {
    expect(rleBox(encodeRle(mask(['0000', '0110', '0100', '0000']), 4, 4))).toEqual([1, 1, 2, 2]);
  });

  test('is as high as the mask if a run continues in the next column', () => {
    expect(rleBox(encodeRle(mask(['001', '010']), 2, 3))).toEqual([1, 0, 2, 2]);
  });

  test('is zero for an empty mask', () => {
    expect(rleBox(encodeRle([0, 0], 1, 2))).toEqual([0, 0, 0, 0]);
  });

  test('contains every foreground pixel', () => {
    fc.assert(
      fc.property(anyMask, ({ height, width, pixels }) => {
        const [x, y, w, h] = rleBox(encodeRle(pixels, height, width));
        pixels.forEach((pixel, i) => {
          if (pixel === 0) return;
          const [px, py] = [i % width, Math.floor(i / width)];
          expect(px >= x && px < x + w && py >= y && py < y + h).toBe(true);
        });
      }),
    );
  });
});

describe('rleFromCounts', () => {
  test('keeps runs of length 0', () => {
    expect([...rleFromCounts([1, 0, 2, 1], 2, 2).counts]).toEqual([1, 0, 2, 1]);
  });

  test.each([
    [[-1, 5], 'whole run lengths >= 0, got -1'],
    [[1.5, 2.5], 'whole run lengths >= 0, got 1.5'],
    [[1, 2], 'runs of 2 x 2 = 4 pixels, got 3'],
    [[5], 'runs of 2 x 2 = 4 pixels, got 5'],
  ])('rejects %j', (counts, message) => {
    expect(() => rleFromCounts(counts, 2, 2)).toThrow(DataError);
    expect(() => rleFromCounts(counts, 2, 2)).toThrow(message);
  });

  test.each([
    [-1, 2],
    [1.5, 2],
    [NaN, 1],
    [65536, 65536],
  ])('rejects a mask of %d x %d', (height, width) => {
    expect(() => rleFromCounts([], height, width)).toThrow('a mask size');
  });
});

describe('mergeRles', () => {
  const join = (a: Rle, b: Rle, mode: 'union' | 'intersection'): Uint8Array =>
    decodeRle(mergeRles([a, b], mode));

  test('is the union or intersection of the pixels, in any order', () => {
    fc.assert(
      fc.property(anyMask, fc.infiniteStream(fc.integer({ min: 0, max: 1 })), (m, bits) => {
        const other = m.pixels.map(() => bits.next().value as number);
        const [a, b] = [m.pixels, other].map((p) => encodeRle(p, m.height, m.width));
        expect(join(a, b, 'union')).toEqual(m.pixels.map((p, i) => p | other[i]));
        expect(join(a, b, 'intersection')).toEqual(m.pixels.map((p, i) => p & other[i]));
        expect(mergeRles([a, b], 'union')).toEqual(mergeRles([b, a], 'union'));
      }),
    );
  });

  test('of nothing, and of different sizes, is a mask of size 0 x 0', () => {
    const empty = { height: 0, width: 0, counts: new Uint32Array(0) };
    expect(mergeRles([], 'union')).toEqual(empty);
    expect(mergeRles([encodeRle([1], 1, 1), encodeRle([1, 1], 1, 2)], 'union')).toEqual(empty);
  });

  test('of one mask is that mask', () => {
    const rle = rleFromCounts([1, 0, 3], 2, 2);
    expect(mergeRles([rle], 'intersection')).toBe(rle);
  });
});
