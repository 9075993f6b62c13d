import { VARIANTS, type VariantName } from '../../backbone/variants.js';
import { evaluationResize } from '../../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import { RAND_AUGMENT } from '../../datasets/transforms/rand-augment.js';
import { RANDOM_ERASING } from '../../datasets/transforms/random-erasing.js';
import type { ClassificationConfig } from '../config/classify.js';
import type { LayerRule } from '../parameter-groups.js';

/** Settings that the tables of the paper's appendix list by size; all others are common. */
export interface ImageNetSettings {
  /** Side of the square input, pixels. */
  readonly inputSize: number;
  /** Learning rate for 256 images per update: the rate at its peak is `baseLr · batch / 256`. */
  readonly baseLr: number;
  /** Images of an update. */
  readonly batch: number;
  readonly weightDecay: number;
  readonly layers: LayerRule;
  readonly epochs: number;
  readonly warmupEpochs: number;
  readonly labelSmoothing: number;
  /** Parameters of the Beta distributions; 0 is off. */
  readonly mixup: number;
  readonly cutmix: number;
  readonly dropPath: number;
  readonly headInitScale: number;
  readonly emaDecay: number | null;
}

/** Number of images of a micro-batch, which fits into about 8 GB at 224 px; even, because mixing pairs images. */
const MICRO_BATCH: Readonly<Record<VariantName, number>> = {
  atto: 64,
  femto: 64,
  pico: 64,
  nano: 64,
  tiny: 32,
  base: 16,
  large: 8,
  huge: 4,
};

/**
 * Creates a recipe of the ImageNet family. Common settings: AdamW (0.9, 0.999), cosine down to 1e-6, GRN without decay,
 * RandAugment (9, 0.5) and random erasing with 0.25 (the latter from the released commands; the tables do not list it),
 * crops of 8–100 %, flips, full precision (the originals' is mixed), no clipping.
 *
 * A batch that does not fit is accumulated; mixing then draws once per micro-batch, like the original on each GPU.
 */
export function imageNetRecipe(
  size: VariantName,
  settings: ImageNetSettings,
): ClassificationConfig {
  const { inputSize, batch, baseLr, mixup, cutmix } = settings;
  const larger = Math.max(1, Math.round((inputSize / 224) ** 2));
  const batchSize = Math.max(2, MICRO_BATCH[size] / 2 ** Math.ceil(Math.log2(larger)));
  return {
    task: 'classify',
    backbone: VARIANTS[size],
    headInitScale: settings.headInitScale,
    dropPathRate: settings.dropPath,
    labelSmoothing: settings.labelSmoothing,
    pixels: IMAGENET_PIXELS,
    training: {
      kind: 'training',
      inputSize,
      crop: { scale: [0.08, 1], ratio: [3 / 4, 4 / 3] },
      filter: 'bicubic',
      flipProbability: 0.5,
      randAugment: RAND_AUGMENT,
      erasing: RANDOM_ERASING,
      mix: { mixupAlpha: mixup, cutmixAlpha: cutmix, probability: 1, switchProbability: 0.5 },
    },
    evaluation: evaluationResize(inputSize),
    batchSize,
    accumulation: batch / batchSize,
    epochs: settings.epochs,
    optimizer: { kind: 'adamw', betas: [0.9, 0.999], eps: 1e-8 },
    lr: (baseLr * batch) / 256,
    minLr: 1e-6,
    warmupEpochs: settings.warmupEpochs,
    weightDecay: settings.weightDecay,
    layers: settings.layers,
    decayGrn: false,
    clipNorm: null,
    emaDecay: settings.emaDecay,
    logEvery: 10,
    evaluateEvery: 1,
    checkpointEvery: 1,
    keepCheckpoints: 2,
    workers: 2,
  };
}
