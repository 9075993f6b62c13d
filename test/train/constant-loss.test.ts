import { expect, test } from 'vitest';
import { constantLoss } from '../../train/constant-loss.js';

/** The lowest loss of two classes, by trying all probabilities. */
function byTrial(
  [f0, f1]: readonly [number, number],
  [w0, w1]: readonly [number, number],
  gamma: number,
): number {
  const at = (p: number): number =>
    -w0 * f0 * (1 - p) ** gamma * Math.log(p) - w1 * f1 * p ** gamma * Math.log(1 - p);
  return Math.min(...Array.from({ length: 99_999 }, (_, i) => at((i + 1) / 100_000)));
}

test('without changes it is the entropy of the frequencies', () => {
  expect(constantLoss([1, 1])).toBeCloseTo(Math.log(2), 12);
  expect(constantLoss([3, 0])).toBe(0);
  expect(constantLoss([])).toBe(0);
  expect(constantLoss([0, 0])).toBe(0);
});

test.each([
  [[30, 10], [1, 1], 2],
  [[30, 10], [1, 5], 0],
  [[99, 1], [0.5, 20], 2],
  [[1, 1], [2, 1], 0.5],
] as const)(
  'counts %o, weights %o, gamma %d: no constant answer has less',
  (counts, weights, gamma) => {
    const [a, b] = counts;
    const expected = byTrial([a / (a + b), b / (a + b)], weights, gamma);
    const own = constantLoss(counts, { classWeights: weights, focalGamma: gamma });
    expect(own / expected).toBeCloseTo(1, 5);
  },
);

test('a class of weight 0 and an absent one do not count', () => {
  expect(constantLoss([5, 5, 0], { classWeights: [1, 0, 1] })).toBeCloseTo(0, 9);
  expect(constantLoss([5, 5], { classWeights: [0, 0] })).toBe(0);
  const two = constantLoss([5, 5], { focalGamma: 2 });
  expect(constantLoss([5, 5, 0], { focalGamma: 2 })).toBeCloseTo(two, 6);
});
