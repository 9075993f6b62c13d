import fc from 'fast-check';
import { expect, test } from 'vitest';
import { orderByScore } from '../../evaluation/score-order.js';

/** A comparison sort that keeps equal scores in place. */
const sorted = (scores: Float64Array): number[] =>
  [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b);

test('sorts from high to low and keeps equal scores in place, few or many', () => {
  const score = fc.oneof(
    fc.constantFrom(0, -0, 0.5, 1, -1),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  );
  fc.assert(
    fc.property(
      fc.array(score, { maxLength: 40 }),
      fc.integer({ min: 1, max: 20 }),
      (few, times) => {
        const scores = Float64Array.from(Array.from({ length: times }, () => few).flat());
        expect([...orderByScore(scores)]).toEqual(sorted(scores));
      },
    ),
    { numRuns: 300 },
  );
});

test('sorts extremes, denormals and equal low words', () => {
  const base = [5e-324, -5e-324, 1e308, -1e308, 0, -0, 1, 1 + 2 ** -52, 2 ** 32, 0.1, 0.2];
  const scores = Float64Array.from({ length: 600 }, (_, i) => base[(i * 7) % base.length]);
  expect([...orderByScore(scores)]).toEqual(sorted(scores));
});

test('no scores give an empty order', () => {
  expect(orderByScore(new Float64Array(0)).length).toBe(0);
});
