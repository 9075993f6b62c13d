import { expect, test } from 'vitest';
import { fractionText } from '../../report/draw.js';

test('a class that takes a few pixels is not said to take none', () => {
  expect(fractionText(1 / 250_000, 1)).toBe('< 0.1');
  expect(fractionText(0.000999, 1)).toBe('< 0.1');
  expect(fractionText(0.001, 1)).toBe('0.1');
  expect(fractionText(0, 1)).toBe('0.0');
  expect([fractionText(1 / 3, 1), fractionText(0.37, 0), fractionText(1, 1)]).toEqual([
    '33.3',
    '37',
    '100.0',
  ]);
});
