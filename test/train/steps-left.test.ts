import { expect, test } from 'vitest';
import { StepsLeft } from '../../train/steps-left.js';

test('long steps tell every quarter of a minute how much is left, without the first one', () => {
  let ms = 0;
  const left = new StepsLeft('learning', 101, () => ms);
  const lines = Array.from({ length: 101 }, (_, i) => {
    ms += i === 0 ? 12_000 : 1_000;
    return left.line(i + 1);
  }).filter((line) => line !== undefined);
  expect(lines.slice(0, 2)).toEqual([
    'learning: step 4 of 101, 1 min 40 s left',
    'learning: step 19 of 101, 82 s left',
  ]);
  expect(lines).toHaveLength(7);
});

test('short work says nothing', () => {
  const left = new StepsLeft('learning', 5, () => 0);
  expect([1, 2, 3, 4, 5].map((done) => left.line(done))).toEqual(Array(5).fill(undefined));
});
