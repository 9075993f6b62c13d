import { expect, test } from 'vitest';
import { ShapeError } from '../../core/errors.js';
import { assertShape, formatShape, numElements, sameShape } from '../../core/shape.js';

test('assertShape accepts equal letters and rejects different ones', () => {
  expect(() => assertShape('f', { shape: [2, 4, 4, 3] }, ['N', 'S', 'S', 3])).not.toThrow();
  expect(() => assertShape('f', { shape: [2, 4, 5, 3] }, ['N', 'S', 'S', 3])).toThrow(ShapeError);
  expect(() => assertShape('f', { shape: [2, 4] }, ['N', 'S', 'S'])).toThrow(
    'f: expected [N, S, S], got [2, 4]',
  );
});

test('numElements of a scalar is 1 and of an empty axis 0', () => {
  expect([numElements([]), numElements([2, 3]), numElements([2, 0])]).toEqual([1, 6, 0]);
});

test('sameShape and formatShape', () => {
  expect(sameShape([1, 2], [1, 2])).toBe(true);
  expect(sameShape([1, 2], [1, 2, 1])).toBe(false);
  expect(formatShape(['N', 3])).toBe('[N, 3]');
});
