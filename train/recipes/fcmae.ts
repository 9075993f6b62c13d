import { fcmaeConfig } from '../../backbone/fcmae.js';
import { VARIANT_NAMES, VARIANTS, type VariantName } from '../../backbone/variants.js';
import { evaluationResize } from '../../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import type { PretrainingConfig } from '../config/pretrain.js';

/**
 * FCMAE pre-training on images without labels.
 *
 *     convnextv2 train fcmae-tiny --data DIR --out RUN
 *
 * Numbers: paper, table 8, and the released command: AdamW (0.9, 0.95), base rate 1.5e-4 · batch / 256, batch 4096 as 64
 * micro-batches of 64 images, 1600 epochs (800 in the ablations), 40 of them warm-up, weight decay 0.05, crops of 20–100
 * %, ratio 0.6. Horizontal flips are those of the code; the paper does not mention them. Deviations: initial weights have
 * standard deviation 0.02 everywhere (the script's 1 looks unintended), response norms are by image (the script's are by
 * batch: `--set fcmae.statistics=batch`), full precision, no gradient scaler. Expected: results are known after
 * fine-tuning only (paper); we have trained none on ImageNet.
 */
export function fcmaeRecipe(size: VariantName): PretrainingConfig {
  return {
    task: 'pretrain',
    fcmae: fcmaeConfig(VARIANTS[size]),
    pixels: IMAGENET_PIXELS,
    training: {
      kind: 'training',
      inputSize: 224,
      crop: { scale: [0.2, 1], ratio: [3 / 4, 4 / 3] },
      filter: 'bicubic',
      flipProbability: 0.5,
    },
    evaluation: evaluationResize(224),
    batchSize: 64,
    accumulation: 64,
    epochs: 1600,
    optimizer: { kind: 'adamw', betas: [0.9, 0.95], eps: 1e-8 },
    baseLr: 1.5e-4,
    minLr: 0,
    warmupEpochs: 40,
    weightDecay: 0.05,
    clipNorm: null,
    logEvery: 10,
    evaluateEvery: 10,
    checkpointEvery: 10,
    keepCheckpoints: 2,
    numPictures: 8,
    workers: 2,
  };
}

/**
 * FCMAE pre-training on a person's own photos, a few hundred to a few thousand, before training on those with labels.
 *
 *     convnextv2 train pretrain --data PHOTOS --minutes 10 --out RUN
 *     convnextv2 train detect --data DIR --weights RUN --out RUN2
 *
 * Numbers: model, loss, ratio, crops and optimizer of {@link fcmaeRecipe}. Ours, for minutes on a CPU: Atto, inputs of 160
 * px, 32 images per update, a peak rate of 2.1e-4, the original's for 4096 images by the square root rule, and clipping. No
 * result is claimed.
 */
export const PRETRAIN: PretrainingConfig = {
  ...fcmaeRecipe('atto'),
  training: {
    kind: 'training',
    inputSize: 160,
    crop: { scale: [0.2, 1], ratio: [3 / 4, 4 / 3] },
    filter: 'bicubic',
    flipProbability: 0.5,
  },
  evaluation: evaluationResize(160),
  batchSize: 32,
  accumulation: 1,
  epochs: 200,
  warmupEpochs: 10,
  baseLr: 1.7e-3,
  clipNorm: 5,
};

/** `fcmae-atto` … `fcmae-huge`. */
export const FCMAE_RECIPES: Readonly<Record<string, PretrainingConfig>> = Object.fromEntries(
  VARIANT_NAMES.map((size) => [`fcmae-${size}`, fcmaeRecipe(size)]),
);
