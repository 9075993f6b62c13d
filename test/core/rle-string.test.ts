import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../core/errors.js';
import { rleFromString, rleToString } from '../../core/rle-string.js';
import { decodeRle, rleFromCounts } from '../../core/rle.js';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the compressed form', () => {
  test('has 5 bits per character, lowest first', () => {
    // 40 = 8 + 32: "8" + continuation, then 1; "d0" is 20 = 20 with a sign bit in the way, then 0.
    expect(rleToString(rleFromCounts([40], 5, 8))).toBe('X1');
    expect(rleToString(rleFromCounts([20], 4, 5))).toBe('d0');
  });

  test('has differences from the run two places before, from the fourth run on', () => {
    expect(rleToString(rleFromCounts([1, 2, 3, 4, 5], 3, 5))).toBe('12322');
    expect(rleToString(rleFromCounts([9, 9, 9, 1], 4, 7))).toBe('999H');
  });

  test('is read back to the same runs, from text and from bytes', () => {
    const runs = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(runs, (counts) => {
        const height = counts.reduce((a, b) => a + b, 0);
        const rle = rleFromCounts(counts, height, 1);
        const text = rleToString(rle);
        expect(rleFromString(text, height, 1)).toEqual(rle);
        expect(rleFromString(ascii(text), height, 1)).toEqual(rle);
      }),
    );
  });

  test('can hold the longest run of the largest mask', () => {
    const rle = rleFromCounts([0, 2 ** 31 - 1], 1, 2 ** 31 - 1);
    expect(rleToString(rle)).toBe('0oooooo1');
    expect(rleFromString('0oooooo1', 1, 2 ** 31 - 1)).toEqual(rle);
  });

  test('of no runs is empty', () => {
    expect(rleToString({ counts: new Uint32Array(0) })).toBe('');
    expect([...rleFromString('', 0, 0).counts]).toEqual([]);
  });
});

describe('rleFromString rejects', () => {
  test.each([
    ['4 ', 2, 2, 'characters from "0" to "o", got " "'],
    ['4p', 2, 2, 'characters from "0" to "o", got "p"'],
    ['4é', 2, 2, 'characters from "0" to "o", got "é"'],
    ['P', 2, 2, 'the end of run 0, got the end of the text'],
    ['ooooooooo0', 2, 2, 'the end of run 0, got a number beyond 32 bits'],
    ['O', 2, 2, 'runs >= 0, got -1'],
    ['3', 2, 2, 'runs of 2 x 2 = 4 pixels, got 3'],
    ['5', 2, 2, 'runs of 2 x 2 = 4 pixels, got 5'],
    ['', 2, 2, 'runs of 2 x 2 = 4 pixels, got 0'],
    ['4', -2, 2, 'a mask size [height, width], got [-2, 2]'],
  ])('%j of %d x %d', (text, height, width, message) => {
    expect(() => rleFromString(text, height, width)).toThrow(DataError);
    expect(() => rleFromString(text, height, width)).toThrow(message);
  });
});

test('any text is either a mask of the given size or rejected with a DataError', () => {
  const character = fc.integer({ min: 40, max: 120 }).map((code) => String.fromCharCode(code));
  const text = fc.oneof(
    fc.string({ unit: character, maxLength: 12 }),
    fc.string({ unit: fc.constantFrom('0', '1', 'O', 'P', 'o', '2'), maxLength: 8 }),
  );
  let numSound = 0;
  fc.assert(
    fc.property(text, fc.nat(6), fc.nat(6), (characters, height, width) => {
      try {
        const rle = rleFromString(characters, height, width);
        expect(decodeRle(rle).length).toBe(height * width);
        expect(rleFromString(rleToString(rle), height, width)).toEqual(rle);
        numSound++;
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
      }
    }),
    { numRuns: 3000, seed: 1 },
  );
  expect(numSound).toBeGreaterThan(20);
});
