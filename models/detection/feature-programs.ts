import * as tf from '../../engine/tfjs.js';
import type { Backbone } from '../../engine/backbone.js';
import { vjp } from '../../engine/ops/vjp.js';
import type { Program } from '../../engine/runtime/program.js';
import { fpn, type PyramidLevels } from '../../heads/fpn.js';
import { rpn } from '../../heads/rpn/rpn-head.js';
import type { DetectorParams } from './specs.js';

/** Levels that RoIs are pooled from. */
export const ROI_LEVELS = ['p2', 'p3', 'p4', 'p5'] as const;
/** Levels with anchors. */
export const ANCHOR_LEVELS = [...ROI_LEVELS, 'p6'] as const;

type Inputs = Readonly<Record<string, tf.Tensor>>;

function pyramid(
  backbone: Backbone,
  params: DetectorParams,
  { image, dropPath }: Inputs,
): PyramidLevels {
  const levels = backbone.features(params.backbone, image as tf.Tensor4D, {
    dropPath: dropPath as tf.Tensor2D | undefined,
  });
  return fpn(params.neck, levels);
}

/**
 * Program of the forward pass up to the proposals.
 *
 * Inputs `image` `[N, H, W, 3]`, both sides multiples of 32, and in training `dropPath` `[blocks, N]`; outputs `p2` …
 * `p5` `[N, H/s, W/s, C]`, and for each of the five levels `scores{i}` `[N, n]` (objectness after the sigmoid) and
 * `deltas{i}` `[N, n, 4]` of its anchors.
 */
export function features(backbone: Backbone): Program {
  return {
    name: 'detector features',
    forward: (params: DetectorParams, inputs) => {
      const levels = pyramid(backbone, params, inputs);
      const outputs: Record<string, tf.Tensor> = {};
      for (const name of ROI_LEVELS) outputs[name] = levels[name];
      ANCHOR_LEVELS.forEach((name, i) => {
        const { objectness, deltas } = rpn(params.rpn_head, levels[name]);
        const [n] = objectness.shape;
        outputs[`scores${i}`] = tf.sigmoid(objectness).reshape([n, -1]);
        outputs[`deltas${i}`] = deltas.reshape([n, -1, 4]);
      });
      return outputs;
    },
  };
}

/**
 * Program of the backward pass from P2 … P5.
 *
 * Inputs as {@link features}, and `gradient:p2` … `gradient:p5`; output `loss`, which is 0; only its gradients matter.
 */
export function featureGradients(backbone: Backbone): Program {
  return {
    name: 'detector feature gradients',
    forward: (params: DetectorParams, inputs) => {
      const levels = pyramid(backbone, params, inputs);
      const products = ROI_LEVELS.map((name) => vjp(levels[name], inputs[`gradient:${name}`]));
      return { loss: tf.addN(products) };
    },
  };
}
