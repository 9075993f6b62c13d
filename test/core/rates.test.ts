import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { geometricRates, linearRates } from '../../core/rates.js';

describe('linearRates', () => {
  test('runs from 0 to the rate in equal steps', () => {
    expect(linearRates(0.5, 5)).toEqual([0, 0.125, 0.25, 0.375, 0.5]);
    expect(linearRates(0, 3)).toEqual([0, 0, 0]);
  });

  test('a single block never drops its path; no blocks give no rates', () => {
    expect(linearRates(0.5, 1)).toEqual([0]);
    expect(linearRates(0.5, 0)).toEqual([]);
  });
});

describe('geometricRates', () => {
  test('are powers that end at 1', () => {
    expect(geometricRates(0.5, 4)).toEqual([0.125, 0.25, 0.5, 1]);
    expect(geometricRates(1, 3)).toEqual([1, 1, 1]);
    expect(geometricRates(0.7, 0)).toEqual([]);
  });

  test('0.9 to the fourth is the double nearest to it, which ** misses', () => {
    expect(geometricRates(0.9, 5)[0]).toBe(0.6561);
  });

  test('a value just above the middle of two doubles is rounded up', () => {
    // (1 + a)^5 = 1 + 5a + 10a² + 10a³ + …: with a = 2^-27 the second term ends in half a unit, the third decides.
    expect(geometricRates(1 + 2 ** -27, 6)[0]).toBe(1 + 5 * 2 ** -27 + 2 ** -51 + 2 ** -52);
  });

  test('no neighboring double is nearer to the exact power', () => {
    // x = m/2^60 exactly for doubles in (1/128, 1]; powers compare as integers over 2^(60 n).
    const scaled = (x: number): bigint => BigInt(x * 2 ** 60);
    const distance = (x: number, base: number, n: number): bigint => {
      const difference =
        scaled(x) * (1n << BigInt(60 * n)) - ((scaled(base) ** BigInt(n)) << BigInt(60));
      return difference < 0n ? -difference : difference;
    };
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 1, noNaN: true }),
        fc.integer({ min: 0, max: 6 }),
        (base, n) => {
          const power = geometricRates(base, n + 1)[0];
          const gap = power * 2 ** -52;
          expect(distance(power, base, n) <= distance(power + gap, base, n)).toBe(true);
          expect(distance(power, base, n) <= distance(power - gap, base, n)).toBe(true);
        },
      ),
    );
  });
});
