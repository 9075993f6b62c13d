import fc from 'fast-check';
import { expect, test } from 'vitest';
import { highestLogit, softmax, softmaxTerms } from '../../core/softmax.js';
import { median } from '../../core/statistics.js';

test('softmax of a case by hand, at any offset and of large logits', () => {
  const terms = new Float64Array(2);
  expect(softmaxTerms([9, Math.log(3), 0], 1, terms)).toBeCloseTo(4 / 3, 12);
  expect(terms[0]).toBe(1);
  expect(terms[1]).toBeCloseTo(1 / 3, 12);
  expect(softmax([1000, 1000])).toEqual(Float64Array.of(0.5, 0.5));
  expect(softmax([5])).toEqual(Float64Array.of(1));
  expect(highestLogit([1, 3, 2, 9], 1, 2)).toBe(3);
});

test('probabilities sum to 1 and keep the order of the logits', () => {
  fc.assert(
    fc.property(fc.array(fc.float({ noNaN: true, min: -50, max: 50 }), { minLength: 1 }), (x) => {
      const p = softmax(Float32Array.from(x));
      expect(p.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
      for (let k = 1; k < x.length; k++)
        if (x[k] > x[k - 1]) expect(p[k]).toBeGreaterThanOrEqual(p[k - 1]);
    }),
  );
});

test('the median of an even number of values is the upper middle one', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(3);
  expect(median([7])).toBe(7);
  expect(median([])).toBeNaN();
});
