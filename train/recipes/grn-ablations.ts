import type { GrnVariant } from '../../backbone/grn-variant.js';
import { VARIANTS, type ConvNeXtV2Config } from '../../backbone/variants.js';
import type { ClassificationConfig } from '../config/classify.js';
import type { PretrainingConfig } from '../config/pretrain.js';
import { fcmaeRecipe } from './fcmae.js';
import { IMAGENET_1K_RECIPES } from './imagenet-1k.js';

type Grn = Extract<GrnVariant, { kind: 'grn' }>;
const GRN: Grn = { kind: 'grn', aggregation: 'l2', normalization: 'share', skip: true };

/** Variants of GRN by the name in the recipe; the comments have the paper's top-1 after fine-tuning. */
const GRN_VARIANTS: Readonly<Record<string, GrnVariant>> = {
  'grn-average': { ...GRN, aggregation: 'average' }, // 83.7
  'grn-l1': { ...GRN, aggregation: 'l1' }, // 84.3
  'grn-standardize': { ...GRN, normalization: 'standardize' }, // 84.5
  'grn-inverse-sum': { ...GRN, normalization: 'inverseSum' }, // 83.8
  'grn-no-skip': { ...GRN, skip: false }, // 84.0
  affine: { ...GRN, aggregation: 'one', normalization: 'none' }, // 83.9
  'aggregation-only': { ...GRN, normalization: 'none' }, // 83.9
  lrn: { kind: 'lrn' }, // 83.2
  'batch-norm': { kind: 'batchNorm' }, // 80.5
  'layer-norm': { kind: 'layerNorm' }, // 83.8
};

const PLAIN: ConvNeXtV2Config = { ...VARIANTS.base, responseNorm: 'none' };
const BACKBONES: Readonly<Record<string, ConvNeXtV2Config>> = {
  'no-grn': PLAIN, // 83.7
  ...Object.fromEntries(
    Object.entries(GRN_VARIANTS).map(([name, responseForm]) => [
      name,
      { ...VARIANTS.base, responseForm },
    ]),
  ),
};

const BASE = IMAGENET_1K_RECIPES['imagenet-base-1k'];

/**
 * Pre-training of the ablations of global response normalization: `fcmae-base-no-grn`, `fcmae-base-grn-l1`, `fcmae-base-layer-norm`, …
 *
 *     convnextv2 train fcmae-base-grn-l1 --data DIR --out RUN
 *
 * Numbers: paper, tables 2 and 16: Base, 800 epochs, else as `fcmae-base` (which is the baseline with GRN, 84.6 after fine-tuning).
 * Not published: initial scales without a skip connection (1 here), constants of LRN (5 channels, 1e-4, 0.75 here), running
 * statistics of batch norm (none here: a batch is normalized by its own, in evaluation too). The unstable `X · N(X)` is left out.
 */
export const GRN_PRETRAINING_RECIPES: Readonly<Record<string, PretrainingConfig>> =
  Object.fromEntries(
    Object.entries(BACKBONES).map(([name, backbone]) => {
      const recipe = fcmaeRecipe('base');
      const fcmae = { ...recipe.fcmae, backbone };
      return [`fcmae-base-${name}`, { ...recipe, fcmae, epochs: 800 }];
    }),
  );

/**
 * Fine-tuning after the pre-training of the ablations: `imagenet-base-1k-no-grn`, `imagenet-base-1k-grn-l1`, …; and with
 * GRN at one of the two stages only: `imagenet-base-1k-grn-dropped` (from `fcmae-base`) and `imagenet-base-1k-grn-added`
 * (from `fcmae-base-no-grn`).
 *
 *     convnextv2 train imagenet-base-1k-grn-l1 --data DIR --weights PRETRAINED --out RUN
 *
 * Numbers: as `imagenet-base-1k`. Expected (paper, top-1 %): average 83.7, L1 84.3; (‖X‖ − μ)/σ 84.5, 1/Σ‖X‖ 83.8;
 * without skip 84.0; affine 83.9, aggregation only 83.9; LRN 83.2, BN 80.5, LN 83.8; none 83.7; dropped 78.8, added 80.6;
 * none trained by us.
 */
export const GRN_FINETUNING_RECIPES: Readonly<Record<string, ClassificationConfig>> = {
  ...Object.fromEntries(
    Object.entries(BACKBONES).map(([name, backbone]) => [
      `imagenet-base-1k-${name}`,
      { ...BASE, backbone },
    ]),
  ),
  'imagenet-base-1k-grn-dropped': { ...BASE, backbone: PLAIN, adaptsResponseNorm: true },
  'imagenet-base-1k-grn-added': { ...BASE, adaptsResponseNorm: true },
};
