import * as tf from '../../engine/tfjs.js';
import { layer } from '../../engine/capture/scope.js';
import { sameConv } from '../../engine/ops/conv.js';
import { linear, type LinearParams } from '../../engine/ops/linear.js';
import { convSpecs, type LayerSpecs } from '../../engine/parameters/layers.js';
import type { Initializer } from '../../engine/parameters/spec.js';
import type { TensorTree } from '../../engine/parameters/tensors.js';
import { conv3x3 } from '../conv3x3.js';

/** Specs of the region proposal network, by the names of mmdetection; shared by all levels. */
export type RpnSpecs = {
  /** 3×3, C → C. */
  readonly rpn_conv: LayerSpecs<'conv'>;
  /** 1×1, C → A. */
  readonly rpn_cls: LayerSpecs<'conv'>;
  /** 1×1, C → 4A; channel `4a + k` is delta k of anchor a. */
  readonly rpn_reg: LayerSpecs<'conv'>;
};

/** Predictions for the `A` anchors of every cell. */
interface RpnOutputs<T extends tf.Tensor> {
  /** `[…, A]`, logits. */
  readonly objectness: T;
  /** `[…, 4A]` */
  readonly deltas: T;
}

/**
 * @param channels number of channels of the pyramid
 * @param numAnchors number of anchors per cell, A
 */
export function rpnSpecs(channels: number, numAnchors: number): RpnSpecs {
  const init: Initializer = { kind: 'normal', std: 0.01 };
  return {
    rpn_conv: convSpecs(3, channels, channels, init),
    rpn_cls: convSpecs(1, channels, numAnchors, init),
    rpn_reg: convSpecs(1, channels, 4 * numAnchors, init),
  };
}

/**
 * Applies the RPN to a whole map.
 *
 * @param level `[N, H, W, C]`
 * @returns `[N, H, W, A]` and `[N, H, W, 4A]`
 * @see Faster R-CNN, section 3.1: https://arxiv.org/abs/1506.01497
 */
export function rpn(params: TensorTree<RpnSpecs>, level: tf.Tensor4D): RpnOutputs<tf.Tensor4D> {
  return layer('rpn_head', () => {
    const hidden = tf.relu(conv3x3(level, params.rpn_conv));
    return {
      objectness: sameConv(hidden, params.rpn_cls),
      deltas: sameConv(hidden, params.rpn_reg),
    };
  });
}

/**
 * Applies the RPN to single cells, given the 3×3 neighborhood of each. Same result as {@link rpn}, for the few cells that
 * enter the loss.
 *
 * @param patches `[S, 9C]`: rows, columns, channels; zeros outside the map
 * @returns `[S, A]` and `[S, 4A]`
 */
export function rpnOfPatches(
  params: TensorTree<RpnSpecs>,
  patches: tf.Tensor2D,
): RpnOutputs<tf.Tensor2D> {
  const asLinear = ({ weight, bias }: TensorTree<LayerSpecs<'conv'>>): LinearParams => {
    const [kh, kw, inChannels, outChannels] = weight.shape;
    return { weight: weight.reshape([kh * kw * inChannels, outChannels]), bias };
  };
  return layer('rpn_head', () => {
    const hidden = tf.relu(linear(patches, asLinear(params.rpn_conv))); // [S, C]
    return {
      objectness: linear(hidden, asLinear(params.rpn_cls)),
      deltas: linear(hidden, asLinear(params.rpn_reg)),
    };
  });
}
