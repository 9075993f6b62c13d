import * as tf from '../../engine/tfjs.js';
import * as t from '../../core/schema.js';
import { layer } from '../../engine/capture/scope.js';
import { linear } from '../../engine/ops/linear.js';
import { convSpecs, linearSpecs, type LayerSpecs } from '../../engine/parameters/layers.js';
import type { Initializer } from '../../engine/parameters/spec.js';
import type { TensorTree } from '../../engine/parameters/tensors.js';
import { convNorm, convNormSpecs, type BatchNormMode, type ConvNormSpecs } from '../conv-norm.js';

/** Hidden layers between the features of an RoI and its predictions. */
export const BoxHeadLayers = t.record({
  /** Number of 3×3 convolutions with batch norm: 0, or 4 in the heads of Cascade R-CNN. */
  numConvs: t.whole(0, 1024),
  /** Number of fully connected layers, at least one: 2, or 1 after convolutions. */
  numFcs: t.whole(1, 1024),
  /** Width of the fully connected layers. */
  fcChannels: t.whole(1, 2 ** 16),
});
export type BoxHeadLayers = t.Infer<typeof BoxHeadLayers>;

/** Two fully connected layers: the head of Mask R-CNN. */
export const SHARED_2FC = {
  numConvs: 0,
  numFcs: 2,
  fcChannels: 1024,
} as const satisfies BoxHeadLayers;

/** Four convolutions and one fully connected layer: the head of ConvNeXt's Cascade Mask R-CNN. */
export const SHARED_4CONV_1FC = {
  numConvs: 4,
  numFcs: 1,
  fcChannels: 1024,
} as const satisfies BoxHeadLayers;

/** Configuration of a box head. */
interface BoxHeadConfig extends BoxHeadLayers {
  /** Channels of the features and of the convolutions, C. */
  readonly channels: number;
  /** Side of the RoI features, P: 7. */
  readonly roiSize: number;
  /** K, without background. */
  readonly numClasses: number;
  /** Whether there is one set of deltas for all classes instead of one per class. */
  readonly classAgnostic: boolean;
}

/** Specs of a box head, by the names of mmdetection. */
export type BoxHeadSpecs = {
  readonly shared_convs: readonly ConvNormSpecs[];
  /**
   * The first is stored as a convolution with a kernel as large as the RoI features, `[P, P, C, F]`: mmdetection's `[F, C·P·P]` is its flattened weight, so the axes
   * are converted like those of any convolution and features need no reordering.
   */
  readonly shared_fcs: readonly [LayerSpecs<'conv'>, ...LayerSpecs<'linear'>[]];
  readonly fc_cls: LayerSpecs<'linear'>;
  readonly fc_reg: LayerSpecs<'linear'>;
};

/** Parameters of a box head. */
export function boxHeadSpecs(config: BoxHeadConfig): BoxHeadSpecs {
  const { numConvs, numFcs, fcChannels, channels, roiSize, numClasses, classAgnostic } = config;
  const xavier = (inSize: number): Initializer => ({
    kind: 'uniform',
    limit: Math.sqrt(6 / (inSize + fcChannels)),
  });
  const first = convSpecs(roiSize, channels, fcChannels, xavier(roiSize * roiSize * channels));
  const more = Array.from({ length: numFcs - 1 }, () =>
    linearSpecs(fcChannels, fcChannels, xavier(fcChannels)),
  );
  const numDeltas = classAgnostic ? 4 : 4 * numClasses;
  return {
    shared_convs: Array.from({ length: numConvs }, () => convNormSpecs(3, channels, channels)),
    shared_fcs: [first, ...more],
    fc_cls: linearSpecs(fcChannels, numClasses + 1, { kind: 'normal', std: 0.01 }),
    fc_reg: linearSpecs(fcChannels, numDeltas, { kind: 'normal', std: 0.001 }),
  };
}

/** Predictions for every RoI. */
export interface BoxHeadOutputs {
  /** `[R, K + 1]`, background last. */
  readonly logits: tf.Tensor2D;
  /** `[R, 4K]`, class-major, or `[R, 4]`. */
  readonly deltas: tf.Tensor2D;
}

/**
 * Predicts the classes and deltas of RoIs.
 *
 * @param features `[R, P, P, C]`
 * @param mode of the batch norms, whose paths are the numbers of their convolutions
 * @see Fast R-CNN: https://arxiv.org/abs/1504.08083
 */
export function boxHead(
  params: TensorTree<BoxHeadSpecs>,
  features: tf.Tensor4D,
  mode: BatchNormMode = { kind: 'running' },
): BoxHeadOutputs {
  return layer('bbox_head', () => {
    const convolved = params.shared_convs.reduce(
      (x, conv, i) => convNorm(x, conv, `${i}`, mode),
      features,
    );
    return { ...boxPredictions(params, convolved) };
  });
}

/**
 * Computes the fully connected layers of a box head: the whole head if it has no convolutions.
 *
 * @param features `[R, P, P, C]`, after the convolutions
 */
export function boxPredictions(
  params: TensorTree<BoxHeadSpecs>,
  features: tf.Tensor4D,
): BoxHeadOutputs {
  const [first, ...more] = params.shared_fcs;
  const [p, q, c, width] = first.weight.shape;
  const flat = features.reshape([-1, p * q * c]) as tf.Tensor2D; // [R, P·P·C]
  const roi = {
    weight: first.weight.reshape<tf.Tensor2D>([p * q * c, width]),
    bias: first.bias,
  };
  let hidden = tf.relu(linear(flat, roi));
  for (const fc of more) hidden = tf.relu(linear(hidden, fc)); // [R, F]
  return { logits: linear(hidden, params.fc_cls), deltas: linear(hidden, params.fc_reg) };
}

/**
 * Selects the deltas of each RoI's class.
 *
 * @param deltas `[R, 4K]`, class-major, or `[R, 4]`
 * @param oneHot `[R, K]`, zeros for background
 * @returns `[R, 4]`; zeros for background unless the deltas are class-agnostic
 */
export function deltasOfClass(deltas: tf.Tensor2D, oneHot: tf.Tensor2D): tf.Tensor2D {
  const [r, k] = oneHot.shape;
  if (deltas.shape[1] === 4) return deltas;
  return deltas.reshape([r, k, 4]).mul(oneHot.expandDims(2)).sum(1); // [R, 4]
}
