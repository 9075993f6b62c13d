import fc from 'fast-check';
import { expect, test } from 'vitest';
import { axisTransforms, PATCH, TILE, twoAxes } from '../../heads/winograd.js';

const { input, filter, output } = axisTransforms();
const apply = (matrix: readonly (readonly number[])[], x: readonly number[]): number[] =>
  matrix.map((row) => row.reduce((sum, value, i) => sum + value * x[i], 0));
const number = fc.integer({ min: -100, max: 100 });

test('six products give four outputs of a filter with three taps', () => {
  fc.assert(
    fc.property(
      fc.array(number, { minLength: PATCH, maxLength: PATCH }),
      fc.array(number, { minLength: 3, maxLength: 3 }),
      (pixels, taps) => {
        const factors = apply(input, pixels);
        const products = apply(filter, taps).map((value, i) => value * factors[i]);
        const outputs = apply(output, products);
        expect(outputs.length).toBe(TILE);
        outputs.forEach((y, i) => {
          const direct = taps.reduce((sum, tap, k) => sum + tap * pixels[i + k], 0);
          expect(y).toBeCloseTo(direct, 6);
        });
      },
    ),
  );
});

test('the transforms of pixels and products are exact in float32', () => {
  for (const value of [...input, ...output].flat()) expect(Math.fround(value)).toBe(value);
});

test('both axes at once: the product of the entries, transposed on demand', () => {
  const matrix = [
    [1, 2, 3],
    [4, 5, 6],
  ];
  const { shape, data } = twoAxes(matrix);
  expect(shape).toEqual([4, 9]);
  // Rows (1, 0), columns (2, 1): 6 · 2.
  expect(data[2 * 9 + 7]).toBe(12);
  const turned = twoAxes(matrix, 'transposed');
  expect(turned.shape).toEqual([9, 4]);
  expect(turned.data[7 * 4 + 2]).toBe(12);
});
