import { expect, test } from 'vitest';
import { ConfigError } from '../../core/errors.js';
import { assertClassWeights, classWeightsOf } from '../../train/class-weights.js';

const NAMES = ['cat', 'dog', 'eel'];

test('balanced weights give every class the same total; a class without images and unknown labels count for none', () => {
  // 4 of 6 are cats, 2 are dogs: 6 / (3 · 4) and 6 / (3 · 2).
  expect(classWeightsOf({ kind: 'balanced' }, [0, 0, 1, 0, -1, 1, 0], NAMES)).toEqual([0.5, 1, 0]);
});

test('given weights are those, and none are none', () => {
  const values = [1, 0, 2.5];
  expect(classWeightsOf({ kind: 'given', values }, [], NAMES)).toBe(values);
  expect(classWeightsOf(undefined, [0, 1], NAMES)).toBeUndefined();
});

test('another number of weights, or only zeros, is refused with the classes', () => {
  expect(() => classWeightsOf({ kind: 'given', values: [1, 2] }, [], NAMES)).toThrow(
    'classWeights: expected 3 weights, one for each class (cat, dog, eel), got 2',
  );
  expect(() => assertClassWeights([0, 0, 0], NAMES)).toThrow(ConfigError);
  expect(() => assertClassWeights(undefined, NAMES)).not.toThrow();
});
