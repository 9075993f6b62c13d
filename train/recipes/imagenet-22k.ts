import type { VariantName } from '../../backbone/variants.js';
import type { ClassificationConfig } from '../config/classify.js';
import { imageNetRecipe, type ImageNetSettings } from './imagenet.js';

/** Sizes that the paper fine-tunes on ImageNet-22K. */
const SIZES = ['nano', 'tiny', 'base', 'large', 'huge'] as const;
type Size = (typeof SIZES)[number];

const single = (layerDecay: number): ImageNetSettings['layers'] => ({ kind: 'single', layerDecay });

/** Table 12. */
const INTERMEDIATE = {
  inputSize: 224,
  batch: 4096,
  baseLr: 2.5e-4,
  weightDecay: 0.05,
  epochs: 90,
  warmupEpochs: 5,
  labelSmoothing: 0.1,
  mixup: 0.8,
  cutmix: 1,
  headInitScale: 0.001,
  emaDecay: null,
} as const;

const INTERMEDIATE_TABLE: Readonly<Record<Size, ImageNetSettings>> = {
  nano: { ...INTERMEDIATE, layers: single(0.9), dropPath: 0 },
  tiny: { ...INTERMEDIATE, layers: single(0.9), dropPath: 0 },
  base: { ...INTERMEDIATE, layers: single(0.8), dropPath: 0.1 },
  large: { ...INTERMEDIATE, layers: single(0.8), dropPath: 0.1 },
  huge: { ...INTERMEDIATE, layers: single(0.8), dropPath: 0.3 },
};

/** Table 13. */
const FINAL = {
  batch: 512,
  baseLr: 2.5e-5,
  weightDecay: 1e-8,
  warmupEpochs: 0,
  labelSmoothing: 0.1,
  mixup: 0,
  cutmix: 0,
  headInitScale: 0.001,
  emaDecay: 0.9999,
} as const;

const FINAL_TABLE: Readonly<Record<Size, Omit<ImageNetSettings, 'inputSize'>>> = {
  nano: { ...FINAL, layers: single(0.9), epochs: 90, dropPath: 0.1 },
  tiny: { ...FINAL, layers: single(0.9), epochs: 90, dropPath: 0.1 },
  base: { ...FINAL, layers: single(0.8), epochs: 30, dropPath: 0.2 },
  large: { ...FINAL, layers: single(0.8), epochs: 30, dropPath: 0.3 },
  huge: { ...FINAL, layers: single(0.85), epochs: 30, dropPath: 0.5, emaDecay: null },
};

/** Sides with a published result, pixels. */
const FINAL_INPUTS: Readonly<Record<Size, readonly number[]>> = {
  nano: [224, 384],
  tiny: [224, 384],
  base: [224, 384],
  large: [224, 384],
  huge: [384, 512],
};

/**
 * Intermediate fine-tuning on ImageNet-22K after FCMAE on ImageNet-1K: `imagenet-nano-22k` … `imagenet-huge-22k`.
 *
 *     convnextv2 train imagenet-tiny-22k --data DIR --weights tiny.fcmae --out RUN
 *
 * Numbers: paper, table 12. Not published: the number of classes (that of the folders is taken; V1's command says 21841), whether
 * this step used 384² images for Huge (224 here; `--set training.inputSize=384 --set evaluation.inputSize=384`), the kind of
 * layer decay (`single`). Expected: no result is published for this step.
 */
export const IMAGENET_22K_RECIPES: Readonly<Record<string, ClassificationConfig>> =
  Object.fromEntries(
    SIZES.map((size) => [`imagenet-${size}-22k`, imageNetRecipe(size, INTERMEDIATE_TABLE[size])]),
  );

/**
 * ImageNet-1K after ImageNet-22K: `imagenet-nano-22k-1k` … at 224 pixels, `imagenet-nano-22k-1k-384` …, `imagenet-huge-22k-1k-384`
 * and `-512`. The head is new: the 22K classes are dropped.
 *
 *     convnextv2 train imagenet-tiny-22k-1k-384 --data DIR --weights RUN_OF_22K --out RUN
 *
 * Numbers: paper, table 13, the same at all sides. Not published: the kind of layer decay (`single`), crops at 384 and 512 (as at
 * 224). Expected (paper, top-1 %): 82.1, 83.9, 86.8, 87.3 at 224; 83.4, 85.1, 87.7, 88.2, 88.7 at 384; Huge 88.9 at 512; none
 * of them was trained by us.
 */
export const IMAGENET_22K_1K_RECIPES: Readonly<Record<string, ClassificationConfig>> =
  Object.fromEntries(
    SIZES.flatMap((size) =>
      FINAL_INPUTS[size].map((inputSize) => [
        recipeName(size, inputSize),
        imageNetRecipe(size, { ...FINAL_TABLE[size], inputSize }),
      ]),
    ),
  );

function recipeName(size: VariantName, inputSize: number): string {
  return `imagenet-${size}-22k-1k${inputSize === 224 ? '' : `-${inputSize}`}`;
}
