import type { VariantName } from '../../backbone/variants.js';
import type { ClassificationConfig } from '../config/classify.js';
import { imageNetRecipe, type ImageNetSettings } from './imagenet.js';

/** Settings of tables 9–11 that do not depend on the size. */
const COMMON = {
  inputSize: 224,
  batch: 1024,
  headInitScale: 0.001,
  emaDecay: 0.9999,
} as const;

/** Table 9: Atto to Nano. */
const SMALL = {
  ...COMMON,
  baseLr: 2e-4,
  weightDecay: 0.3,
  layers: { kind: 'single', layerDecay: 0.9 },
  epochs: 600,
  warmupEpochs: 0,
  labelSmoothing: 0.2,
} as const;

/** Tables 10 and 11: Tiny to Huge. */
const LARGE = {
  ...COMMON,
  weightDecay: 0.05,
  labelSmoothing: 0.1,
  mixup: 0.8,
  cutmix: 1,
} as const;

const GROUP = { kind: 'group', layerDecay: 0.6 } as const;

const TABLE: Readonly<Record<VariantName, ImageNetSettings>> = {
  atto: { ...SMALL, mixup: 0, cutmix: 0, dropPath: 0.1 },
  femto: { ...SMALL, weightDecay: 0.05, mixup: 0.3, cutmix: 0.3, dropPath: 0 },
  pico: { ...SMALL, mixup: 0.3, cutmix: 0.3, dropPath: 0 },
  nano: { ...SMALL, mixup: 0.5, cutmix: 0.5, dropPath: 0.1 },
  tiny: {
    ...LARGE,
    baseLr: 8e-4,
    layers: { kind: 'single', layerDecay: 0.9 },
    epochs: 300,
    warmupEpochs: 40,
    dropPath: 0.2,
  },
  // The table's 6.25e-3 is ten times the released command for Base: taken for a slip.
  base: { ...LARGE, baseLr: 6.25e-4, layers: GROUP, epochs: 100, warmupEpochs: 20, dropPath: 0.1 },
  // As Base; there is no released command for this size.
  large: { ...LARGE, baseLr: 6.25e-4, layers: GROUP, epochs: 100, warmupEpochs: 20, dropPath: 0.2 },
  // The table's 1.25e-3 may have the same slip; no released command decides it, so it is kept.
  huge: {
    ...LARGE,
    baseLr: 1.25e-3,
    layers: { kind: 'single', layerDecay: 0.75 },
    epochs: 50,
    warmupEpochs: 10,
    dropPath: 0.3,
  },
};

/**
 * Fine-tuning on ImageNet-1K after FCMAE: `imagenet-atto-1k` … `imagenet-huge-1k`.
 *
 *     convnextv2 train imagenet-tiny-1k --data DIR --weights tiny.fcmae --out RUN
 *
 * Numbers: paper, tables 9–11, and the released commands for Atto, Tiny and Base. Doubtful published values: the base rate
 * 6.25e-3 of Base and Large is replaced by the command's 6.25e-4 (`--set lr=0.025` for the table's); Huge's 1.25e-3 stands
 * (`--set lr=0.0005` if it is ten times too large as well); the table has group-wise layer decay for Huge, the text only for Base
 * and Large: `single`. Deviations: see `imageNetRecipe`. Expected (paper, top-1 %, EMA): 76.7, 78.5, 80.3, 81.9, 83.0, 84.9,
 * 85.8, 86.3; none of them was trained by us.
 */
export const IMAGENET_1K_RECIPES: Readonly<Record<string, ClassificationConfig>> =
  Object.fromEntries(
    Object.entries(TABLE).map(([size, settings]) => [
      `imagenet-${size}-1k`,
      imageNetRecipe(size as VariantName, settings),
    ]),
  );
