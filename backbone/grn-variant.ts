import * as tf from '../engine/tfjs.js';
import * as t from '../core/schema.js';
import type { PositionAxes } from '../engine/ops/channels.js';
import type { GrnParams } from '../engine/ops/grn.js';
import { standardize } from '../engine/ops/layer-norm.js';

/**
 * Variant of GRN, or its replacement, in the paper's ablations. All have a scale γ and a shift β of `[4C]`.
 * - `grn`: `γ · x · N(G(x)) + β`, plus `x` with `skip`. G aggregates a channel over the positions: `l2`, `l1`, `average`,
 *   or `one` (no aggregation, G = 1). N normalizes over the channels: `share` G / mean G (with `l2`, the published GRN),
 *   `standardize` (G − μ) / σ, `inverseSum` 1 / Σ G, or `none`.
 * - `lrn`: local response normalization over 5 neighboring channels
 * - `batchNorm`: over the batch, with batch statistics also in evaluation (there are no running averages)
 * - `layerNorm`: over the channels of a position
 *
 * @see ConvNeXt V2, tables 2 and 16: https://arxiv.org/abs/2301.00808
 */
export const GrnVariant = t.byKind(
  t.record({
    kind: t.literal('grn'),
    aggregation: t.oneOf('one', 'average', 'l1', 'l2'),
    normalization: t.oneOf('none', 'standardize', 'inverseSum', 'share'),
    skip: t.FLAG,
  }),
  t.record({ kind: t.literal('lrn') }),
  t.record({ kind: t.literal('batchNorm') }),
  t.record({ kind: t.literal('layerNorm') }),
);
export type GrnVariant = t.Infer<typeof GrnVariant>;

/** Window and constants of local response normalization: those of AlexNet, PyTorch's defaults. */
const LRN = { size: 5, alpha: 1e-4, beta: 0.75, k: 1 } as const;
/** Keeps the gradient finite where a channel is zero everywhere. */
const SMALLEST_ENERGY = 1e-30;

/** Initial γ: 0 if the skip connection makes that the identity, else 1. The paper does not state the initial value. */
export function initialGamma(variant: GrnVariant): 0 | 1 {
  return variant.kind === 'grn' && variant.skip ? 0 : 1;
}

/**
 * Applies a variant.
 *
 * @param x `[N, H, W, C]`, after the activation function
 * @param axes axes of the aggregation: the positions of each sample, or those of the whole batch
 * @returns `[N, H, W, C]`
 */
export function applyGrnVariant(
  x: tf.Tensor4D,
  { gamma, beta }: GrnParams,
  variant: GrnVariant,
  { eps, axes = [1, 2] }: { readonly eps: number; readonly axes?: PositionAxes },
): tf.Tensor4D {
  return tf.tidy(() => {
    switch (variant.kind) {
      case 'grn': {
        const factor = related(
          aggregated(x, variant.aggregation, axes),
          variant.normalization,
          eps,
        );
        const scaled = x.mul<tf.Tensor4D>(factor.mul(gamma)).add<tf.Tensor4D>(beta);
        return variant.skip ? scaled.add<tf.Tensor4D>(x) : scaled;
      }
      case 'lrn':
        return x.mul<tf.Tensor4D>(localScale(x)).mul<tf.Tensor4D>(gamma).add<tf.Tensor4D>(beta);
      case 'batchNorm': {
        const centered = x.sub(x.mean([0, 1, 2], true));
        const variance = centered.mul(centered).mean([0, 1, 2], true); // [1, 1, 1, C]
        return centered.mul<tf.Tensor4D>(variance.add(eps).rsqrt().mul(gamma)).add(beta);
      }
      case 'layerNorm':
        return standardize(x, eps).mul<tf.Tensor4D>(gamma).add<tf.Tensor4D>(beta);
      default:
        return variant satisfies never;
    }
  });
}

type Variant<Key extends string> = Extract<GrnVariant, Record<Key, unknown>>;

/** Computes G, `[N or 1, 1, 1, C]`. */
function aggregated(
  x: tf.Tensor4D,
  aggregation: Variant<'aggregation'>['aggregation'],
  axes: PositionAxes,
): tf.Tensor {
  switch (aggregation) {
    case 'one':
      return tf.ones([1, 1, 1, x.shape[3]]);
    case 'average':
      return x.mean([...axes], true);
    case 'l1':
      return x.abs().sum([...axes], true);
    case 'l2':
      return x
        .mul(x)
        .sum([...axes], true)
        .maximum(SMALLEST_ENERGY)
        .sqrt();
    default:
      return aggregation satisfies never;
  }
}

/** Computes N(G) in the shape of G or `[N or 1, 1, 1, 1]`. */
function related(
  g: tf.Tensor,
  normalization: Variant<'normalization'>['normalization'],
  eps: number,
): tf.Tensor {
  switch (normalization) {
    case 'none':
      return g;
    case 'share':
      return g.div(g.mean(-1, true).add(eps));
    case 'inverseSum':
      return tf.div(1, g.sum(-1, true).add(eps));
    case 'standardize':
      return standardize(g, eps);
    default:
      return normalization satisfies never;
  }
}

/** Computes `(k + α/n Σ x²)^−β` over the neighboring channels. */
function localScale(x: tf.Tensor4D): tf.Tensor4D {
  const { size, alpha, beta, k } = LRN;
  const [n, h, w, c] = x.shape;
  const border = tf.zeros<tf.Rank.R4>([n, h, w, (size - 1) / 2]);
  const padded = tf.concat([border, x.mul<tf.Tensor4D>(x), border], 3); // [N, H, W, C + 4]
  const windows = Array.from({ length: size }, (_, i) =>
    padded.slice([0, 0, 0, i], [n, h, w, c]),
  ).reduce((sum, window) => sum.add<tf.Tensor4D>(window));
  const energy = windows.mul<tf.Tensor4D>(alpha / size).add<tf.Tensor4D>(k);
  return energy.log().mul<tf.Tensor4D>(-beta).exp();
}
