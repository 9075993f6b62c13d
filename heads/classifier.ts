import type * as tf from '@tensorflow/tfjs';
import { globalAveragePool } from '../engine/ops/adaptive-pool.js';
import { layerNorm, type NormParams } from '../engine/ops/layer-norm.js';
import { linear, type LinearParams } from '../engine/ops/linear.js';
import { linearSpecs, normSpecs, type LayerSpecs } from '../engine/parameters/layers.js';

/** `norm` is over `C` channels, `head` maps `C` to `K` classes. */
interface ClassifierParams {
  readonly norm: NormParams;
  readonly head: LinearParams;
}

/** Specs of the head, by the names of the official checkpoints. */
export type ClassifierSpecs = {
  readonly norm: LayerSpecs<'vector'>;
  readonly head: LayerSpecs<'linear'>;
};

/** @param initScale factor of the head's initial weights (0.001 in fine-tuning, 1 from scratch) */
export function classifierSpecs(
  channels: number,
  classes: number,
  initScale: number,
): ClassifierSpecs {
  const init = { kind: 'truncatedNormal', std: 0.02 * initScale, limit: 2 * initScale } as const;
  return { norm: normSpecs(channels), head: linearSpecs(channels, classes, init) };
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
  { norm, head }: ClassifierParams,
  eps: number,
): ClassifierOutputs {
  const pooled = globalAveragePool(c5);
  const features = layerNorm(pooled, norm, eps);
  return { pooled, features, logits: linear(features, head) };
}
