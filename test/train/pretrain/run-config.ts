import { fcmaeConfig } from '../../../backbone/fcmae.js';
import { evaluationResize } from '../../../datasets/transforms/evaluation.js';
import type { PretrainingConfig } from '../../../train/config/pretrain.js';
import { fcmaeRecipe } from '../../../train/recipes/fcmae.js';

/** Backbone of short runs. */
export const BACKBONE = { depths: [1, 1, 1, 1], dims: [4, 8, 8, 12], responseNorm: 'grn' } as const;

const RECIPE = fcmaeRecipe('atto');
/** Configuration of short runs on small images. */
export const CONFIG: PretrainingConfig = {
  ...RECIPE,
  fcmae: {
    ...fcmaeConfig(BACKBONE),
    decoder: { channels: 8, depth: 1 },
  },
  training: { ...RECIPE.training, inputSize: 64 } as PretrainingConfig['training'],
  evaluation: evaluationResize(64),
  batchSize: 4,
  accumulation: 2,
  epochs: 4,
  warmupEpochs: 1,
  baseLr: 0.1,
  logEvery: 1,
  evaluateEvery: 1,
  checkpointEvery: 100,
  numPictures: 1,
  workers: 0,
};
