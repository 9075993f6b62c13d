import type * as tf from '@tensorflow/tfjs';
import { globalAveragePool } from '../engine/ops/adaptive-pool.js';
import { gelu } from '../engine/ops/gelu.js';
import { linear, type LinearParams } from '../engine/ops/linear.js';
import { channelNorm, type ChannelNormParams, type NormForm } from '../engine/ops/norm.js';
import { channelNormSpecs, linearSpecs, type LayerSpecs } from '../engine/parameters/layers.js';

/** `norm` is over `C` channels, `head` maps `C` (or the width of `pre_logits`) to `K` classes. */
interface ClassifierParams {
  readonly norm?: ChannelNormParams;
  /** Instead of `norm`: of every position, before pooling. */
  readonly norm_pre?: ChannelNormParams;
  /** A layer with GELU between them, in some networks of CLIP. */
  readonly pre_logits?: LinearParams;
  readonly head: LinearParams;
}

/** Specs of the head, by the names of the official checkpoints; `norm_pre` is timm's. */
export type ClassifierSpecs = {
  readonly norm: LayerSpecs<'vector'>;
  readonly norm_pre?: LayerSpecs<'vector'>;
  readonly pre_logits?: LayerSpecs<'linear'>;
  readonly head: LayerSpecs<'linear'>;
};

/** Options of a classifier's head. */
interface HeadOptions {
  /** Factor of the head's initial weights: 0.001 in fine-tuning, 1 from scratch. */
  readonly initScale: number;
  /** Width of a layer with GELU before the head; default: no such layer. */
  readonly hidden?: number | undefined;
  /** Kind of the norm; absent: layer norm. */
  readonly normKind?: NormForm['kind'] | undefined;
  /** Whether every position is normalized before pooling instead of their mean, in timm's `_hnf`. */
  readonly normFirst?: boolean | undefined;
}

/** Specs of a classifier's head on a map of `channels` channels. */
export function classifierSpecs(
  channels: number,
  classes: number,
  { initScale, hidden, normKind, normFirst }: HeadOptions,
): ClassifierSpecs {
  const init = { kind: 'truncatedNormal', std: 0.02 * initScale, limit: 2 * initScale } as const;
  const norm = channelNormSpecs(channels, normKind);
  if (normFirst)
    return {
      norm_pre: norm,
      head: linearSpecs(channels, classes, init),
    } as unknown as ClassifierSpecs;
  if (hidden === undefined) return { norm, head: linearSpecs(channels, classes, init) };
  const before = { kind: 'truncatedNormal', std: 0.02, limit: 2 } as const;
  return {
    norm,
    pre_logits: linearSpecs(channels, hidden, before),
    head: linearSpecs(hidden, classes, init),
  };
}

/** Intermediate and final outputs of a classifier. */
export interface ClassifierOutputs {
  /** Mean over the positions, `[N, C]`. */
  readonly pooled: tf.Tensor2D;
  /** Normalized, `[N, C]`. */
  readonly features: tf.Tensor2D;
  /** `[N, K]` */
  readonly logits: tf.Tensor2D;
}

/**
 * Classifier head: pooling, then normalization, then a linear layer; the order matters. Networks with `norm_pre` pool after
 * the normalization.
 *
 * @param c5 `[N, H, W, C]`
 */
export function classifier(
  c5: tf.Tensor4D,
  { norm, norm_pre: first, pre_logits: before, head }: ClassifierParams,
  form: NormForm,
): ClassifierOutputs {
  const pooled = globalAveragePool(first ? channelNorm(c5, first, form) : c5);
  const features = norm ? channelNorm(pooled, norm, form) : pooled;
  const last = before ? gelu(linear(features, before)) : features;
  return { pooled, features, logits: linear(last, head) };
}
