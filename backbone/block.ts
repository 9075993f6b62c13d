import * as tf from '../engine/tfjs.js';
import { depthwiseConv, type DepthwiseParams } from '../engine/ops/conv.js';
import { dropPath } from '../engine/ops/drop-path.js';
import type { PositionAxes } from '../engine/ops/channels.js';
import { geluGrnLinear } from '../engine/ops/gelu-grn-linear.js';
import { gelu } from '../engine/ops/gelu.js';
import { grn, type GrnParams } from '../engine/ops/grn.js';
import type { NormParams } from '../engine/ops/layer-norm.js';
import { linear, type LinearParams } from '../engine/ops/linear.js';
import type { NormKind } from '../engine/ops/norm.js';
import { normLinear } from '../engine/ops/norm-linear.js';
import {
  channelNormSpecs,
  depthwiseSpecs,
  linearSpecs,
  vectorSpec,
  type LayerSpecs,
} from '../engine/parameters/layers.js';
import type { Initializer, ParameterSpec } from '../engine/parameters/spec.js';
import { initialGamma, applyGrnVariant, type GrnVariant } from './grn-variant.js';

/** Epsilon of every normalization of the network. */
export const EPS = 1e-6;

/** timm's `trunc_normal_` truncates at ±2 absolute, 100 standard deviations: in effect a plain normal distribution. */
export const WEIGHT_INIT: Initializer = { kind: 'truncatedNormal', std: 0.02, limit: 2 };

/** Initializer of a layer whose units have `numInputs` inputs. */
export type WeightInit = (numInputs: number) => Initializer;

/** Chooses the initializer of all layers, see `ConvNeXtV2Config.initialWeights`. */
export function weightInit(initialWeights?: 'fanIn'): WeightInit {
  if (!initialWeights) return () => WEIGHT_INIT;
  return (numInputs) => ({ kind: 'normal', std: 1 / Math.sqrt(numInputs) });
}

const EXPANSION = 4;

/** Specs of a block, by the names of the official checkpoints. `grn` is absent in V1-style blocks. */
export type BlockSpecs = {
  readonly dwconv: LayerSpecs<'depthwise'>;
  readonly norm: LayerSpecs<'vector'>;
  readonly pwconv1: LayerSpecs<'linear'>;
  readonly grn: { gamma: ParameterSpec<'vector'>; beta: ParameterSpec<'vector'> };
  readonly pwconv2: LayerSpecs<'linear'>;
};

/** Parameters of a block with `C` channels. */
export interface BlockParams {
  readonly dwconv: DepthwiseParams;
  /** Without `bias` if `normKind` is given. */
  readonly norm: NormParams;
  readonly pwconv1: LinearParams;
  /** Absent in V1-style blocks. */
  readonly grn?: GrnParams;
  readonly pwconv2: LinearParams;
}

/** Parameters of a block with `channels` channels. */
export function blockSpecs(
  channels: number,
  responseNorm: 'grn' | 'none',
  variant?: GrnVariant,
  init: WeightInit = weightInit(),
  norm?: NormKind,
): BlockSpecs {
  const hidden = EXPANSION * channels;
  const specs = {
    dwconv: depthwiseSpecs(7, channels, init(49)),
    norm: channelNormSpecs(channels, norm),
    pwconv1: linearSpecs(channels, hidden, init(channels)),
    ...(responseNorm === 'grn'
      ? {
          grn: {
            gamma: vectorSpec(hidden, {
              kind: 'constant',
              value: variant ? initialGamma(variant) : 0,
            }),
            beta: vectorSpec(hidden),
          },
        }
      : {}),
    pwconv2: linearSpecs(hidden, channels, init(hidden)),
  };
  return specs as BlockSpecs;
}

/** Optional inputs of a block. */
interface BlockInputs {
  /** `[N]`, see {@link dropPath}. */
  readonly dropPathMask?: tf.Tensor1D | undefined;
  /** Variant that replaces global response normalization. */
  readonly variant?: GrnVariant | undefined;
  /** Epsilon of the norm; default {@link EPS}. */
  readonly eps?: number | undefined;
  /** Kind of the norm; absent: layer norm. */
  readonly normKind?: NormKind | undefined;
  /** Called with the expanded activation before and after GRN, `[N, H, W, 4C]`. */
  readonly observe?:
    ((name: 'expanded' | 'normalized', activation: tf.Tensor4D) => void) | undefined;
}

/**
 * The ConvNeXt V2 block: `x + pwconv2(GRN(gelu(pwconv1(LN(dwconv(x))))))`.
 *
 * The affine part of layer norm and the shift of GRN are folded into the linear layers that follow them where these are
 * smaller than the activations, which is exact and saves passes over the largest ones.
 *
 * @param x `[N, H, W, C]`
 * @returns `[N, H, W, C]`
 * @see ConvNeXt V2, section 3: https://arxiv.org/abs/2301.00808
 */
export function block(
  x: tf.Tensor4D,
  params: BlockParams,
  { dropPathMask, variant, observe, eps = EPS, normKind }: BlockInputs = {},
): tf.Tensor4D {
  return tf.tidy(() => {
    const mixed = depthwiseConv(x, params.dwconv); // [N, H, W, C]
    const hidden = normLinear(mixed, params.norm, params.pwconv1, { eps, kind: normKind }); // [N, H, W, 4C]
    if (observe) observeHidden(hidden, params.grn, { variant, observe });
    const branch = projected(hidden, params, variant); // [N, H, W, C]
    return x.add(dropPathMask ? dropPath(branch, dropPathMask) : branch);
  });
}

/**
 * The second half of a block: activation, response normalization, projection.
 *
 * @param hidden `[N, H, W, 4C]`
 * @param axes over which GRN aggregates: the positions of each image, or of the whole batch
 * @returns `[N, H, W, C]`
 */
export function projected(
  hidden: tf.Tensor4D,
  { grn: params, pwconv2 }: BlockParams,
  variant: GrnVariant | undefined,
  axes: PositionAxes = [1, 2],
): tf.Tensor4D {
  if (!params) return linear(gelu(hidden), pwconv2);
  if (variant)
    return linear(applyGrnVariant(gelu(hidden), params, variant, { eps: EPS, axes }), pwconv2);
  return geluGrnLinear(hidden, { ...params, ...pwconv2 }, EPS, axes);
}

function observeHidden(
  hidden: tf.Tensor4D,
  params: GrnParams | undefined,
  {
    variant,
    observe,
  }: { variant: GrnVariant | undefined; observe: NonNullable<BlockInputs['observe']> },
): void {
  const activated = gelu(hidden);
  observe('expanded', activated);
  if (params) {
    const after = variant
      ? applyGrnVariant(activated, params, variant, { eps: EPS })
      : grn(activated, params, EPS);
    observe('normalized', after);
  }
}
