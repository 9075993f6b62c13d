import { expect, test } from 'vitest';
import { classScores, foregroundClasses } from '../../../models/detection/class-scores.js';

test('logits of several heads are averaged before the softmax', () => {
  const first = Float32Array.of(2, 0);
  const second = Float32Array.of(0, Math.log(9) * 2);
  const [a, b] = classScores([first, second], 2);
  // Means 1 and ln 9.
  expect(a).toBeCloseTo(Math.E / (Math.E + 9), 6);
  expect(a + b).toBeCloseTo(1, 6);
});

test('huge logits stay finite, and no rows give none', () => {
  expect([...classScores([Float32Array.of(1000, -1000)], 2)]).toEqual([1, 0]);
  expect(classScores([new Float32Array(0)], 81).length).toBe(0);
});

test('background is never the foreground class; of equal logits the first class wins', () => {
  const logits = Float32Array.of(0, 1, 9, 2, 2, 9);
  expect([...foregroundClasses(logits, 2)]).toEqual([1, 0]);
});
