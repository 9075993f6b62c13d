import { expect, test } from 'vitest';
import { shareText } from '../../../tools/predict/segment.js';

test('a class that takes a few pixels is not said to take none', () => {
  expect(shareText(1 / 250_000, 1)).toBe('< 0.1');
  expect(shareText(0.000999, 1)).toBe('< 0.1');
  expect(shareText(0.001, 1)).toBe('0.1');
  expect(shareText(0, 1)).toBe('0.0');
  expect([shareText(1 / 3, 1), shareText(0.37, 0), shareText(1, 1)]).toEqual([
    '33.3',
    '37',
    '100.0',
  ]);
});
