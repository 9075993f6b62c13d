import { expect, it } from 'vitest';
import { thousands } from '../../core/thousands.js';

it('formats whole numbers as the locale en-US does', () => {
  const counts = [0, 7, 999, 1000, 12_345, 999_999, 1_000_000, 1_234_567_890];
  expect(counts.map(thousands)).toEqual(counts.map((count) => count.toLocaleString('en-US')));
});
