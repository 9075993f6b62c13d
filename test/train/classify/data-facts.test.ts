import { expect, test } from 'vitest';
import { classificationSet } from '../../../datasets/in-memory.js';
import { classificationFacts } from '../../../train/classify/data-facts.js';
import { constantLoss } from '../../../train/constant-loss.js';
import type { DataFacts } from '../../../train/data-facts.js';
import type { ClassificationConfig } from '../../../train/config/classify.js';
import { CLASSIFY } from '../../../train/recipes/classify.js';

/** Facts of so many images of every class. */
function facts(counts: readonly number[], config: Partial<ClassificationConfig> = {}): DataFacts {
  const image = { width: 1, height: 1, data: new Uint8Array(3) };
  const examples = counts.flatMap((n, label) => new Array(n).fill({ image, label }));
  const names = counts.map((_, k) => `class ${k}`);
  return classificationFacts(classificationSet(examples, names), {
    ...CLASSIFY,
    labelSmoothing: 0,
    ...config,
  });
}

test('an accuracy that chance gives a handful of images is not learning', () => {
  // Three of six are right by chance in one of three cases, five in one of fifty.
  const { learnedFrom = 0 } = facts([2, 2, 2]);
  expect(learnedFrom).toBeGreaterThan(4 / 6);
  expect(learnedFrom).toBeLessThan(5 / 6);
  expect(facts([300, 300]).learnedFrom).toBeCloseTo(0.6, 12);
  expect(facts([1, 0]).learnedFrom).toBe(1);
});

test('the loss of a constant answer has class weights, focal factor and label smoothing', () => {
  const counts = [30, 10];
  expect(facts(counts).constantLoss).toBe(constantLoss(counts));
  expect(facts(counts, { labelSmoothing: 0.2 }).constantLoss).toBe(constantLoss([28, 12]));
  const balanced = facts(counts, { classWeights: { kind: 'balanced' }, focalGamma: 2 });
  const classWeights = [40 / 60, 40 / 20];
  expect(balanced.constantLoss).toBe(constantLoss(counts, { classWeights, focalGamma: 2 }));
  // A quarter of both classes: half of the error of even odds, and its logarithm.
  expect(balanced.constantLoss).toBeCloseTo(0.25 * Math.log(2), 6);
});
