import type * as tf from '@tensorflow/tfjs';
import type { SpecTree } from './parameters/spec.js';
import type { TensorTree } from './parameters/tensors.js';

/** Feature maps at strides 4, 8, 16 and 32, each `[N, H / stride, W / stride, C]`. */
export interface FeatureLevels {
  readonly c2: tf.Tensor4D;
  readonly c3: tf.Tensor4D;
  readonly c4: tf.Tensor4D;
  readonly c5: tf.Tensor4D;
}

/** What a forward pass may be given beside the image. */
export interface BackboneInputs {
  /** Stochastic depth, `[blocks, N]`: 0 where a block is dropped, `1 / (1 − rate)` elsewhere. */
  readonly dropPath?: tf.Tensor2D;
  /** Called with every named activation, for analysis. */
  readonly observe?: (name: string, activation: tf.Tensor4D) => void;
}

/** A feature extractor as heads see it. */
export interface Backbone<Tree extends SpecTree> {
  readonly specs: Tree;
  /** Channels of c2 … c5. */
  readonly channels: readonly [number, number, number, number];
  /** Number of residual blocks, for drop path. */
  readonly numBlocks: number;
  readonly features: (
    params: TensorTree<Tree>,
    image: tf.Tensor4D,
    inputs?: BackboneInputs,
  ) => FeatureLevels;
}
