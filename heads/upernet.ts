import type * as tf from '@tensorflow/tfjs';
import * as t from '../core/schema.js';
import type { FeatureLevels } from '../engine/backbone.js';
import { layer } from '../engine/capture/scope.js';
import { sameConv } from '../engine/ops/conv.js';
import { resizeBilinear } from '../engine/ops/resize.js';
import { convSpecs, type LayerSpecs } from '../engine/parameters/layers.js';
import type { TensorTree } from '../engine/parameters/tensors.js';
import {
  convNorm,
  convNormSpecs,
  normalizedConv,
  type BatchNormMode,
  type ConvNormSpecs,
} from './conv-norm.js';
import { pyramidPooling, pyramidPoolingSpecs, type PyramidPoolingSpecs } from './ppm.js';
import { convOfResized } from './upernet-resized-conv.js';

/** Configuration of the decode head. */
export const UperNetHeadConfig = t.record({
  numClasses: t.whole(1, 2 ** 16),
  /** Number of channels of every map of the head. */
  channels: t.whole(1, 2 ** 14),
  /** Number of bins per side of each pyramid pooling scale. */
  poolScales: t.list(t.whole(1, 2 ** 10)),
});
export type UperNetHeadConfig = t.Infer<typeof UperNetHeadConfig>;

/** Specs of the head, by the names of mmsegmentation. */
export type UperNetHeadSpecs = {
  readonly conv_seg: LayerSpecs<'conv'>;
  readonly psp_modules: PyramidPoolingSpecs;
  readonly bottleneck: ConvNormSpecs;
  readonly lateral_convs: readonly ConvNormSpecs[];
  readonly fpn_convs: readonly ConvNormSpecs[];
  readonly fpn_bottleneck: ConvNormSpecs;
};

/** @param inChannels of c2 … c5 */
export function uperNetHeadSpecs(
  inChannels: readonly [number, number, number, number],
  { numClasses, channels, poolScales }: UperNetHeadConfig,
): UperNetHeadSpecs {
  const [, , , top] = inChannels;
  const lower = inChannels.slice(0, 3);
  return {
    conv_seg: classifierSpecs(channels, numClasses),
    psp_modules: pyramidPoolingSpecs(poolScales, top, channels),
    bottleneck: convNormSpecs(3, top + poolScales.length * channels, channels),
    lateral_convs: lower.map((size) => convNormSpecs(1, size, channels)),
    fpn_convs: lower.map(() => convNormSpecs(3, channels, channels)),
    fpn_bottleneck: convNormSpecs(3, 4 * channels, channels),
  };
}

/** Specs of the 1×1 convolution to the classes, initialized as in the original. */
export function classifierSpecs(channels: number, numClasses: number): LayerSpecs<'conv'> {
  return convSpecs(1, channels, numClasses, { kind: 'normal', std: 0.01 });
}

/** Optional inputs of a head. */
export interface SegmentationHeadInputs {
  readonly mode: BatchNormMode;
  /** Path of the head's parameters, for the statistics. */
  readonly path: string;
  /** Dropout of whole channels before the classifier, `[N, channels]`: 0, or `1 / (1 − rate)`. */
  readonly channelMask?: tf.Tensor2D | undefined;
}

/**
 * UPerNet: pyramid pooling on the coarsest map, a feature pyramid down to stride 4, and fusion of all levels.
 *
 * @returns logits `[N, H / 4, W / 4, K]`
 * @see https://arxiv.org/abs/1807.10221
 * @see mmsegmentation 0.x, models/decode_heads/uper_head.py
 */
export function uperNetHead(
  { c2, c3, c4, c5 }: FeatureLevels,
  params: TensorTree<UperNetHeadSpecs>,
  poolScales: readonly number[],
  { mode, path, channelMask }: SegmentationHeadInputs,
): tf.Tensor4D {
  const pooled = layer('pyramidPooling', () =>
    pyramidPooling(c5, params.psp_modules, poolScales, `${path}.psp_modules`, mode),
  );
  const top = layer('bottleneck', () =>
    normalizedConv(
      (weight) => convOfResized([c5, ...pooled], weight, sizeOf(c5)),
      params.bottleneck,
      `${path}.bottleneck`,
      mode,
    ),
  );
  const merged = layer('laterals', () => {
    const maps = [c2, c3, c4].map((level, i) =>
      convNorm(level, params.lateral_convs[i], `${path}.lateral_convs.${i}`, mode),
    );
    maps.push(top);
    for (let i = maps.length - 1; i > 0; i--)
      maps[i - 1] = maps[i - 1].add(resizeBilinear(maps[i], sizeOf(maps[i - 1])));
    return maps;
  });
  const smoothed = layer('pyramid', () =>
    merged
      .slice(0, 3)
      .map((map, i) => convNorm(map, params.fpn_convs[i], `${path}.fpn_convs.${i}`, mode)),
  );
  const fused = layer('fusion', () =>
    normalizedConv(
      (weight) => convOfResized([...smoothed, top], weight, sizeOf(smoothed[0])),
      params.fpn_bottleneck,
      `${path}.fpn_bottleneck`,
      mode,
    ),
  );
  return layer('classifier', () => classify(fused, params.conv_seg, channelMask));
}

/**
 * Applies dropout of channels, then the classifier.
 *
 * @param x `[N, H, W, C]`
 * @returns `[N, H, W, K]`
 */
export function classify(
  x: tf.Tensor4D,
  params: TensorTree<UperNetHeadSpecs['conv_seg']>,
  channelMask?: tf.Tensor2D,
): tf.Tensor4D {
  const [n, , , c] = x.shape;
  const kept = channelMask ? x.mul<tf.Tensor4D>(channelMask.reshape([n, 1, 1, c])) : x;
  return sameConv(kept, params);
}

const sizeOf = ({ shape }: tf.Tensor4D): readonly [number, number] => [shape[1], shape[2]];
