import type * as tf from '@tensorflow/tfjs';
import type { LayerSpecs } from '../engine/parameters/layers.js';
import type { TensorTree } from '../engine/parameters/tensors.js';
import { convNorm, convNormSpecs, type ConvNormSpecs } from './conv-norm.js';
import { classifierSpecs, classify, type SegmentationHeadInputs } from './upernet.js';

/** Specs of a one-convolution FCN head, by the names of mmsegmentation. */
export type FcnHeadSpecs = {
  readonly conv_seg: LayerSpecs<'conv'>;
  readonly convs: readonly [ConvNormSpecs];
};

/** Specs of the head. */
export function fcnHeadSpecs(
  inChannels: number,
  { channels, numClasses }: { readonly channels: number; readonly numClasses: number },
): FcnHeadSpecs {
  return {
    conv_seg: classifierSpecs(channels, numClasses),
    convs: [convNormSpecs(3, inChannels, channels)],
  };
}

/**
 * Auxiliary head, used only in training: one 3×3 convolution and a classifier on a single level.
 *
 * @param x `[N, H, W, C]`
 * @returns logits `[N, H, W, K]`
 * @see mmsegmentation 0.x, models/decode_heads/fcn_head.py
 */
export function fcnHead(
  x: tf.Tensor4D,
  params: TensorTree<FcnHeadSpecs>,
  { mode, path, channelMask }: SegmentationHeadInputs,
): tf.Tensor4D {
  const features = convNorm(x, params.convs[0], `${path}.convs.0`, mode);
  return classify(features, params.conv_seg, channelMask);
}
