import { expect, test } from 'vitest';
import { VARIANT_NAMES } from '../../../backbone/variants.js';
import { peakLearningRate } from '../../../train/config/pretrain.js';
import { FCMAE_RECIPES } from '../../../train/recipes/fcmae.js';

test('there is a recipe for every published size, with the published rate and batch', () => {
  expect(Object.keys(FCMAE_RECIPES)).toEqual(VARIANT_NAMES.map((size) => `fcmae-${size}`));
  for (const recipe of Object.values(FCMAE_RECIPES)) {
    expect(recipe.batchSize * recipe.accumulation).toBe(4096);
    expect(peakLearningRate(recipe)).toBeCloseTo(2.4e-3, 10);
  }
});
