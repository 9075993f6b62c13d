import fc from 'fast-check';
import { expect, test } from 'vitest';
import { editDistance, nearestWord } from '../../core/nearest-word.js';

test('editDistance counts insertions, deletions and replacements', () => {
  expect(editDistance('', '')).toBe(0);
  expect(editDistance('', 'abc')).toBe(3);
  expect(editDistance('abc', 'abc')).toBe(0);
  expect(editDistance('kitten', 'sitting')).toBe(3); // k → s, e → i, + g
});

test('editDistance is a metric', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 6 });
  fc.assert(
    fc.property(word, word, word, (a, b, c) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
      expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
    }),
  );
});

test('nearestWord takes the first of the nearest', () => {
  expect(nearestWord('x', ['only'])).toBe('only');
  expect(nearestWord('clasify', ['detect', 'classify', 'segment'])).toBe('classify');
  expect(nearestWord('c', ['a', 'b'])).toBe('a');
});
