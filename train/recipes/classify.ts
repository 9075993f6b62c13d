import { VARIANTS } from '../../backbone/variants.js';
import { evaluationResize } from '../../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import type { ClassificationConfig } from '../classify/config.js';

/**
 * A small classifier from scratch, for a few hundred to a few thousand images.
 *
 *     convnextv2 train classify --data DIR --out RUN
 *
 * Numbers: AdamW, cosine, betas and weight decay are those of the ImageNet recipes (paper, tables 9–11); model, size, rate
 * and schedule are ours, for training that ends in minutes on a CPU. Expected: the demo's six kinds of shapes above 90 %.
 */
export const CLASSIFY: ClassificationConfig = {
  task: 'classify',
  backbone: VARIANTS.atto,
  headInitScale: 1,
  dropPathRate: 0,
  labelSmoothing: 0.1,
  pixels: IMAGENET_PIXELS,
  training: {
    kind: 'training',
    inputSize: 112,
    crop: { scale: [0.35, 1], ratio: [3 / 4, 4 / 3] },
    filter: 'bicubic',
    flipProbability: 0.5,
  },
  evaluation: evaluationResize(112),
  batchSize: 32,
  accumulation: 1,
  epochs: 30,
  optimizer: { kind: 'adamw', betas: [0.9, 0.999], eps: 1e-8 },
  lr: 1e-3,
  minLr: 1e-6,
  warmupEpochs: 2,
  weightDecay: 0.05,
  layers: { kind: 'uniform' },
  decayGrn: false,
  clipNorm: 5,
  emaDecay: null,
  logEvery: 10,
  evaluateEvery: 5,
  checkpointEvery: 5,
  keepCheckpoints: 2,
  workers: 2,
};
