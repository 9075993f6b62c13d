import * as tf from '../../engine/tfjs.js';
import { sigmoidCrossEntropy } from '../../engine/ops/losses.js';
import type { Program } from '../../engine/runtime/program.js';
import { maskHead, type MaskHeadSpecs } from '../../heads/mask/mask-head.js';
import type { DetectorParams, HeadParams } from './specs.js';

/** Inputs `features` `[R, P, P, C]`, `oneHot` `[R, K]`; output `masks` `[R, 2P, 2P]`, probabilities. */
export function maskInference(paramsOf: HeadParams<MaskHeadSpecs>): Program {
  return {
    name: 'mask head',
    forward: (params: DetectorParams, { features, oneHot }) => ({
      masks: tf.sigmoid(maskHead(paramsOf(params), features as tf.Tensor4D, oneHot as tf.Tensor2D)),
    }),
  };
}

/**
 * Training program of a mask head.
 *
 * Inputs `features` `[R, P, P, C]`, `oneHot` `[R, K]`, `targets` `[R, 2P, 2P]` (0 or 1), `weights` `[R]` (0 for padding
 * rows), `scale` `[1]`, the stage's loss weight divided by the number of pixels of real rows. Output `loss`.
 */
export function maskTraining(paramsOf: HeadParams<MaskHeadSpecs>): Program {
  return {
    name: 'mask head training',
    forward: (params: DetectorParams, inputs) => {
      const logits = maskHead(
        paramsOf(params),
        inputs['features'] as tf.Tensor4D,
        inputs['oneHot'] as tf.Tensor2D,
      );
      const terms = sigmoidCrossEntropy(logits, inputs['targets'] as tf.Tensor3D);
      const perRoi = terms.sum([1, 2]).mul(inputs['weights']); // [R]
      return { loss: perRoi.sum().mul(inputs['scale'].reshape([])) };
    },
  };
}
