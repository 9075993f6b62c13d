import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bfloat16ToFloat32, float16ToFloat32, float32ToFloat16 } from '../../core/half.js';

const widen = (...halves: number[]) => [...float16ToFloat32(Uint16Array.from(halves))];
const narrow = (...values: number[]) => [...float32ToFloat16(Float32Array.from(values))];

test('float16ToFloat32 gives the values of the standard', () => {
  expect(widen(0x3c00, 0xc000, 0x3555, 0x7bff, 0x0400, 0x0001, 0x03ff)).toEqual([
    1,
    -2,
    1365 / 4096,
    65504,
    2 ** -14,
    2 ** -24,
    1023 * 2 ** -24,
  ]);
  expect(widen(0x7c00, 0xfc00, 0x7e00)).toEqual([Infinity, -Infinity, NaN]);
  expect(Object.is(widen(0x8000)[0], -0)).toBe(true);
});

test('bfloat16ToFloat32 keeps sign, exponent and seven bits of fraction', () => {
  const values = [...bfloat16ToFloat32(Uint16Array.from([0x3f80, 0xc049, 0x7f80, 0x0001]))];
  expect(values).toEqual([1, -3.140625, Infinity, 2 ** -133]);
});

test('every half survives widening and narrowing', () => {
  const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const back = float32ToFloat16(float16ToFloat32(halves));
  const isNaNHalf = (h: number) => (h & 0x7c00) === 0x7c00 && (h & 1023) !== 0;
  const lost = [...halves].filter((h) => (isNaNHalf(h) ? !isNaNHalf(back[h]) : back[h] !== h));
  expect(lost).toEqual([]);
});

test('float32ToFloat16 rounds to nearest, ties to even, and overflows to infinity', () => {
  // 2049 lies between 2048 and 2050, 2051 between 2050 and 2052: both ties go to the even fraction.
  expect(narrow(2049, 2051, 2049.01)).toEqual(narrow(2048, 2052, 2050));
  expect(narrow(2 ** -25, 1.5 * 2 ** -24, 2 ** -25 * 1.01)).toEqual([0, 2, 1]);
  expect(narrow(65519.996, 65520, -1e30)).toEqual([0x7bff, 0x7c00, 0xfc00]);
});

test('the error of narrowing is at most half a step', () => {
  fc.assert(
    fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (value) => {
      const [back] = float16ToFloat32(float32ToFloat16(Float32Array.of(value)));
      const step = Math.max(2 ** (Math.floor(Math.log2(Math.abs(value) || 1)) - 10), 2 ** -24);
      expect(Math.abs(back - value)).toBeLessThanOrEqual(step / 2);
    }),
  );
});
