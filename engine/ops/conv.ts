import * as tf from '../tfjs.js';
import { ShapeError } from '../../core/errors.js';
import { assertShape } from '../../core/shape.js';

/** `weight` is `[kh, kw, in, out]`, `bias` `[out]` or absent. */
export interface ConvParams {
  readonly weight: tf.Tensor4D;
  readonly bias?: tf.Tensor1D;
}

/** `weight` is `[kh, kw, C, 1]`, `bias` `[C]`. */
export interface DepthwiseParams {
  readonly weight: tf.Tensor4D;
  readonly bias: tf.Tensor1D;
}

/**
 * Convolution of non-overlapping patches: stride = kernel size, no padding. Remaining rows and columns are ignored.
 *
 * @param x `[N, H, W, in]`
 * @returns `[N, ⌊H / k⌋, ⌊W / k⌋, out]`
 * @throws ShapeError if the channels differ or the image is smaller than a patch
 */
export function patchifyConv(x: tf.Tensor4D, { weight, bias }: ConvParams): tf.Tensor4D {
  const [kh, kw, channels] = weight.shape;
  assertShape('patchifyConv', x, ['N', 'H', 'W', channels]);
  if (x.shape[1] < kh || x.shape[2] < kw) {
    throw new ShapeError(
      `patchifyConv: expected an image of at least ${kh} × ${kw}, got ${x.shape[1]} × ${x.shape[2]}`,
    );
  }
  return tf.fused.conv2d({
    x,
    filter: weight,
    strides: [kh, kw],
    pad: 'valid',
    ...given(bias),
  });
}

/**
 * Convolution with stride 1, odd kernel and zero padding; keeps height and width.
 *
 * @param x `[N, H, W, in]`
 * @returns `[N, H, W, out]`
 * @throws ShapeError if the channels differ
 */
export function sameConv(x: tf.Tensor4D, { weight, bias }: ConvParams): tf.Tensor4D {
  assertShape('sameConv', x, ['N', 'H', 'W', weight.shape[2]]);
  return tf.fused.conv2d({ x, filter: weight, strides: 1, pad: 'same', ...given(bias) });
}

/**
 * 3×3 convolution of stride 2 with one pixel of zeros on every side.
 *
 * @param x `[N, H, W, in]`
 * @returns `[N, ⌈H / 2⌉, ⌈W / 2⌉, out]`
 * @throws ShapeError if the channels differ
 */
export function halvingConv(x: tf.Tensor4D, { weight, bias }: ConvParams): tf.Tensor4D {
  assertShape('halvingConv', x, ['N', 'H', 'W', weight.shape[2]]);
  const dimRoundingMode = 'floor'; // tfjs rejects sizes that do not divide without it
  return tf.fused.conv2d({
    x,
    filter: weight,
    strides: 2,
    pad: 1,
    dimRoundingMode,
    ...given(bias),
  });
}

/**
 * Depthwise convolution with stride 1 and zero padding; keeps height and width.
 *
 * @param x `[N, H, W, C]`
 * @returns `[N, H, W, C]`
 * @throws ShapeError if the channels differ
 */
export function depthwiseConv(x: tf.Tensor4D, { weight, bias }: DepthwiseParams): tf.Tensor4D {
  assertShape('depthwiseConv', x, ['N', 'H', 'W', weight.shape[2]]);
  return tf.fused.depthwiseConv2d({ x, filter: weight, strides: 1, pad: 'same', bias });
}

const given = (bias: tf.Tensor1D | undefined): { bias?: tf.Tensor1D } => (bias ? { bias } : {});
