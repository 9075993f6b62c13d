import { VARIANTS } from '../../backbone/variants.js';
import { evaluationResize } from '../../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import type { ClassificationConfig } from '../config/classify.js';

/**
 * A small classifier from scratch, for a few hundred to a few thousand images.
 *
 *     convnextv2 train classify --data DIR --out RUN
 *
 * Numbers: AdamW, cosine, betas and weight decay are those of the ImageNet recipes (paper, tables 9–11); model, size, rate
 * and schedule are ours, for training that ends in minutes on a CPU. Expected: the demo's six kinds of shapes above 90 %. A run
 * by the name of the recipe has an input no larger than its images (`train/classify/fit-settings.ts`).
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

/**
 * Fine-tuning on a user's own class folders from any ConvNeXt V2 weights (the head is new).
 *
 *     convnextv2 train classify-finetune --data DIR --weights tiny.fcmae_ft_in1k --out RUN
 *
 * Numbers: layer decay 0.9, head scale 0.001, drop path 0.1, smoothing 0.1 and weight decay 0.05 as in the ImageNet
 * fine-tuning of the paper (tables 9–11); batch, rate and length are ours, for a few hundred to a few thousand images. No
 * result is claimed.
 */
export const CLASSIFY_FINETUNE: ClassificationConfig = {
  ...CLASSIFY,
  backbone: VARIANTS.tiny,
  headInitScale: 0.001,
  dropPathRate: 0.1,
  training: {
    kind: 'training',
    inputSize: 224,
    crop: { scale: [0.35, 1], ratio: [3 / 4, 4 / 3] },
    filter: 'bicubic',
    flipProbability: 0.5,
  },
  evaluation: evaluationResize(224),
  batchSize: 16,
  epochs: 15,
  lr: 2e-4,
  warmupEpochs: 1,
  layers: { kind: 'single', layerDecay: 0.9 },
  emaDecay: 0.999,
};
