import { withGradient } from './with-gradient.js';
import * as tf from '../tfjs.js';
import { assertShape } from '../../core/shape.js';
import { channelAffine, channelDot, type PositionAxes } from './channels.js';
import { geluAgain, geluSlope, geluValue } from './gelu.js';
import { grnScale, grnScaleGradient, type GrnParams } from './grn.js';
import { foldIntoLinear, foldingPays, type LinearParams } from './linear.js';
import { inBlocks, isInBlocks, keepsWeights } from './lowering.js';
import { pointwise, pointwiseProducts, pointwiseWeightGradient } from './pointwise.js';

/** `gamma` and `beta` are `[C]`, `weight` `[C, out]`, `bias` `[out]`. */
type GeluGrnLinearParams = LinearParams & GrnParams;

/** A multiple of every block size. */
const LARGEST_BLOCK = 16;

/** Up to this number of activations per sample, `a` is kept for the backward pass: 1 % less time, more memory. */
const KEPT_PER_SAMPLE = 2 ** 21;

/**
 * `linear(a · s + β)` with `a = gelu(x)` and `s` the scale of global response normalization: the second half of a ConvNeXt
 * V2 block.
 *
 * One op with a custom gradient, because these are the widest activations of the network: for large images only `x` is
 * kept for the backward pass, where `a` is recomputed, and the gradient takes as few passes as possible. The scale is
 * multiplied into the smaller operand: the activations, or one copy of the weight per sample. So is the shift: it is added
 * to the activations, or folded into the bias.
 *
 * @param x `[N, H, W, C]`
 * @returns `[N, H, W, out]`
 * @throws ShapeError if the last axis is not `C`
 * @see ConvNeXt V2, section 3: https://arxiv.org/abs/2301.00808
 */
export function geluGrnLinear(
  x: tf.Tensor4D,
  { gamma, beta, weight, bias }: GeluGrnLinearParams,
  eps: number,
  axes: PositionAxes = [1, 2],
): tf.Tensor4D {
  const [channels, out] = weight.shape;
  assertShape('geluGrnLinear', x, ['N', 'H', 'W', channels]);
  assertShape('geluGrnLinear gamma', gamma, [channels]);
  assertShape('geluGrnLinear beta', beta, [channels]);
  const perImage = axes.length === 2 && weighsImages(x, out) && !keepsWeights();
  const product = perImage ? scaledWeights : scaledActivations;
  return tf.tidy(() => {
    if (product === scaledActivations && isInBlocks(x) && !foldingPays(x, { weight, bias }))
      return scaledLinear(x, { gamma, beta, weight, bias }, { eps, axes, product });
    const folded = foldIntoLinear({ shift: beta }, { weight, bias });
    return scaledLinear(x, { gamma, ...folded }, { eps, axes, product });
  });
}

/** Whether a weight per image costs less than scaled activations. */
function weighsImages(x: tf.Tensor4D, out: number): boolean {
  const positions = x.shape[1] * x.shape[2];
  // In the blocked layout the products of every image need whole blocks of positions.
  return positions > 2 * out && !(isInBlocks(x) && positions % LARGEST_BLOCK !== 0);
}

/** Ways in which {@link scaledLinear} computes. */
interface ScaledLinearOptions {
  readonly eps: number;
  readonly axes: PositionAxes;
  readonly product: ScaledProduct;
}

/** {@link geluGrnLinear} with its gradient; without a shift, or with one that `product` adds. */
function scaledLinear(
  x: tf.Tensor4D,
  params: LinearParams & Pick<GrnParams, 'gamma'> & { readonly beta?: tf.Tensor1D },
  { eps, axes, product }: ScaledLinearOptions,
): tf.Tensor4D {
  const { gamma, weight, bias, beta } = params;
  const [, h, w, channels] = x.shape;
  return withGradient(
    [x, gamma, weight, bias, ...(beta ? [beta] : [])],
    (input, g, matrix, b, ...shifts: tf.Tensor1D[]) => {
      const [value, energy] = tf.tidy(() => {
        const a = geluValue(input);
        const total = channelDot(a, a, axes); // [N or 1, 1, 1, C]
        const linear = { weight: matrix, bias: b, shift: shifts.at(0) };
        return [product.value(a, grnScale(total, g, eps), linear), total];
      });
      return { value, saved: [input, g, matrix, energy, ...shifts] };
    },
    (dy, [input, g, matrix, energy, ...shifts]) =>
      tf.tidy(() => {
        const a = h * w * channels > KEPT_PER_SAMPLE ? geluAgain(input) : geluValue(input);
        const scale = grnScale(energy, g, eps); // [N or 1, 1, 1, C]
        const { factor, slope } = geluSlope(input);
        const { dWeight, dScale, dScaled } = product.gradient(
          isInBlocks(input) ? inBlocks(dy) : dy,
          a,
          scale,
          { weight: matrix, shift: shifts.at(0), axes, factor: scale.mul(factor) },
        );
        const { dEnergy, dGamma } = grnScaleGradient(dScale, energy, g, eps);
        // factor · da = factor · (dScaled · s + 2 a dE)
        const da = channelAffine(a, dEnergy.mul(2 * factor), { add: dScaled });
        const dBias = dy.sum<tf.Tensor1D>([0, 1, 2]);
        const dShift = shifts.map(() => matrix.matMul(dBias.reshape([-1, 1])).reshape([-1]));
        return [da.mul(slope), dGamma, dWeight, dBias, ...dShift];
      }),
  );
}

/** Weight `[C, out]`, bias `[out]`, and a shift `[C]` that the scaled activations get. */
interface ProductParams {
  readonly weight: tf.Tensor2D;
  readonly bias: tf.Tensor1D;
  readonly shift?: tf.Tensor1D | undefined;
}

/** Values that the gradient of a product needs besides its operands. */
interface GradientParams {
  readonly weight: tf.Tensor2D;
  readonly shift?: tf.Tensor1D | undefined;
  readonly axes: PositionAxes;
  /** `s` times a constant, `[N or 1, 1, 1, C]`. */
  readonly factor: tf.Tensor4D;
}

/** `(a · s) · W + b` and the parts of its gradient. `a` is `[N, H, W, C]`, `s` `[N or 1, 1, 1, C]`. */
interface ScaledProduct {
  value(a: tf.Tensor4D, scale: tf.Tensor4D, params: ProductParams): tf.Tensor4D;
  gradient(
    dy: tf.Tensor4D,
    a: tf.Tensor4D,
    scale: tf.Tensor4D,
    params: GradientParams,
  ): {
    /** `[C, out]` */
    readonly dWeight: tf.Tensor2D;
    /** The shape of `s`. */
    readonly dScale: tf.Tensor4D;
    /** The gradient of `a` for constant `s`, times the constant in `factor`, `[N, H, W, C]`. */
    readonly dScaled: tf.Tensor4D;
  };
}

/** For few positions: computes `a · s`. */
const scaledActivations: ScaledProduct = {
  value: (a, scale, { weight, bias, shift }) =>
    pointwise(channelAffine(a, scale, { bias: shift }), weight, { bias }),
  gradient: (dy, a, scale, { weight, shift, axes, factor }) => {
    const dScaled = pointwise(dy, weight, { transposed: true });
    // In plain layout the factors are in reverse order: otherwise a captured graph would reuse, and therefore keep, the
    // forward pass's product.
    const scaled = isInBlocks(a) ? channelAffine(a, scale, { bias: shift }) : scale.mul(a);
    return {
      dWeight: pointwiseWeightGradient(scaled as tf.Tensor4D, dy),
      dScale: channelDot(dScaled, a, axes),
      dScaled: channelAffine(dScaled, factor),
    };
  },
};

/**
 * For many positions: computes a weight per sample, `s · W` `[N, C, out]`. With `aᵀ dz` of every sample, the gradients of
 * weight and scale need no pass over the activations.
 */
const scaledWeights: ScaledProduct = {
  value: (a, scale, { weight, bias }) => pointwise(a, weight, { scale, bias }),
  gradient: (dy, a, scale, { weight, factor }) => {
    const [n, , , channels] = scale.shape;
    const products = pointwiseProducts(a, dy); // [N, C, out]
    return {
      dWeight: products.mul(scale.reshape([n, channels, 1])).sum(0),
      dScale: products.mul(weight).sum(-1).reshape(scale.shape),
      dScaled: pointwise(dy, weight, { transposed: true, scale: factor }),
    };
  },
};
