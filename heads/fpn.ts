import * as tf from '../engine/tfjs.js';
import type { FeatureLevels } from '../engine/backbone.js';
import { layer } from '../engine/capture/scope.js';
import { sameConv } from '../engine/ops/conv.js';
import { applyMatrices, upsampleNearest2 } from '../engine/ops/resize.js';
import { convSpecs, type LayerSpecs } from '../engine/parameters/layers.js';
import type { Initializer } from '../engine/parameters/spec.js';
import type { TensorTree } from '../engine/parameters/tensors.js';
import { conv3x3 } from './conv3x3.js';

type ConvModule = { readonly conv: LayerSpecs<'conv'> };

/** Specs of the feature pyramid, by the names of mmdetection. */
export type FpnSpecs = {
  /** 1×1 convolutions, one for each backbone level. */
  readonly lateral_convs: readonly ConvModule[];
  /** 3×3 convolutions, one for each pyramid level. */
  readonly fpn_convs: readonly ConvModule[];
};

/** Maps of equal width at strides 4 to 64, each `[N, H / stride, W / stride, C]`. */
export interface PyramidLevels {
  readonly p2: tf.Tensor4D;
  readonly p3: tf.Tensor4D;
  readonly p4: tf.Tensor4D;
  readonly p5: tf.Tensor4D;
  readonly p6: tf.Tensor4D;
}

/** Convolution in a submodule `conv`, as in mmcv's `ConvModule`; Xavier-uniform weights. */
function convModule(kernel: number, inChannels: number, outChannels: number): ConvModule {
  const fans = kernel * kernel * (inChannels + outChannels);
  const init: Initializer = { kind: 'uniform', limit: Math.sqrt(6 / fans) };
  return { conv: convSpecs(kernel, inChannels, outChannels, init) };
}

/**
 * @param inChannels of c2 … c5
 * @param channels of every pyramid level, 256
 */
export function fpnSpecs(inChannels: readonly number[], channels: number): FpnSpecs {
  return {
    lateral_convs: inChannels.map((size) => convModule(1, size, channels)),
    fpn_convs: inChannels.map(() => convModule(3, channels, channels)),
  };
}

/**
 * Feature pyramid network: projects every backbone level to `C` channels, upsamples coarser levels and adds them to the
 * finer ones, and applies a 3×3 convolution to each sum. P6 takes every second row and column of P5.
 *
 * @see Feature Pyramid Networks: https://arxiv.org/abs/1612.03144
 * @see https://github.com/open-mmlab/mmdetection/blob/v2.11.0/mmdet/models/necks/fpn.py
 */
export function fpn(
  params: TensorTree<FpnSpecs>,
  { c2, c3, c4, c5 }: FeatureLevels,
): PyramidLevels {
  return layer('neck', () => {
    const merged = [c2, c3, c4, c5].map((level, i) =>
      sameConv(level, params.lateral_convs[i].conv),
    );
    for (let i = merged.length - 1; i > 0; i--) {
      merged[i - 1] = merged[i - 1].add(enlargeNearest(merged[i], sizeOf(merged[i - 1])));
    }
    const [p2, p3, p4, p5] = merged.map((level, i) => conv3x3(level, params.fpn_convs[i].conv));
    return { p2, p3, p4, p5, p6: everySecond(p5) };
  });
}

const sizeOf = ({ shape }: tf.Tensor4D): readonly [number, number] => [shape[1], shape[2]];

/**
 * Nearest-neighbor upsampling, `source = ⌊target · in / out⌋`. A factor of two, the usual case, repeats pixels; any other
 * takes two products with 0/1 matrices, exact in both directions.
 *
 * @param x `[N, H, W, C]`
 * @param size `[height, width]`
 * @returns `[N, height, width, C]`
 */
export function enlargeNearest(
  x: tf.Tensor4D,
  [height, width]: readonly [number, number],
): tf.Tensor4D {
  const [, h, w] = x.shape;
  if (h === height && w === width) return x.clone();
  if (2 * h === height && 2 * w === width) return upsampleNearest2(x);
  return applyMatrices(x, [height, width], nearestMatrix);
}

/** Selection matrix `[outSize, inSize]` with a single 1 in every row. */
function nearestMatrix(inSize: number, outSize: number): Float32Array {
  const matrix = new Float32Array(outSize * inSize);
  for (let i = 0; i < outSize; i++) matrix[i * inSize + Math.floor((i * inSize) / outSize)] = 1;
  return matrix;
}

/**
 * Takes every second row and column, beginning with the first.
 *
 * @param x `[N, H, W, C]`
 * @returns `[N, ⌈H / 2⌉, ⌈W / 2⌉, C]`
 */
export function everySecond(x: tf.Tensor4D): tf.Tensor4D {
  const [n, h, w, c] = x.shape;
  const [rows, columns] = [Math.ceil(h / 2), Math.ceil(w / 2)];
  // tfjs has a gradient for reshape and slice, but none for strided slices. Always one row and column more than needed, so
  // that odd and even sizes have graphs of one structure.
  return tf.tidy(() =>
    x
      .pad([
        [0, 0],
        [0, 2 * (rows + 1) - h],
        [0, 2 * (columns + 1) - w],
        [0, 0],
      ])
      .reshape([n, rows + 1, 2, columns + 1, 2 * c])
      .slice([0, 0, 0, 0, 0], [n, rows, 1, columns, c]) // [N, ⌈H/2⌉, 1, ⌈W/2⌉, C]
      .reshape([n, rows, columns, c]),
  );
}
