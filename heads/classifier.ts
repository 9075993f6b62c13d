import type * as tf from '@tensorflow/tfjs';
import { globalAveragePool } from '../engine/ops/adaptive-pool.js';
import { gelu } from '../engine/ops/gelu.js';
import { layerNorm, type NormParams } from '../engine/ops/layer-norm.js';
import { linear, type LinearParams } from '../engine/ops/linear.js';
import { linearSpecs, normSpecs, type LayerSpecs } from '../engine/parameters/layers.js';

/** `norm` is over `C` channels, `head` maps `C` (or the width of `pre_logits`) to `K` classes. */
interface ClassifierParams {
  readonly norm: NormParams;
  /** A layer with GELU between them, in some networks of CLIP. */
  readonly pre_logits?: LinearParams;
  readonly head: LinearParams;
}

/** Specs of the head, by the names of the official checkpoints. */
export type ClassifierSpecs = {
  readonly norm: LayerSpecs<'vector'>;
  readonly pre_logits?: LayerSpecs<'linear'>;
  readonly head: LayerSpecs<'linear'>;
};

/**
 * @param initScale factor of the head's initial weights (0.001 in fine-tuning, 1 from scratch)
 * @param hidden width of a layer with GELU before the head; default: no such layer
 */
export function classifierSpecs(
  channels: number,
  classes: number,
  initScale: number,
  hidden?: number,
): ClassifierSpecs {
  const init = { kind: 'truncatedNormal', std: 0.02 * initScale, limit: 2 * initScale } as const;
  const norm = normSpecs(channels);
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
 * Classifier head: pooling, then normalization, then a linear layer; the order matters.
 *
 * @param c5 `[N, H, W, C]`
 */
export function classifier(
  c5: tf.Tensor4D,
  { norm, pre_logits: before, head }: ClassifierParams,
  eps: number,
): ClassifierOutputs {
  const pooled = globalAveragePool(c5);
  const features = layerNorm(pooled, norm, eps);
  const last = before ? gelu(linear(features, before)) : features;
  return { pooled, features, logits: linear(last, head) };
}
