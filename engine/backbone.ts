import type * as tf from '@tensorflow/tfjs';
import { assertList, assertObject } from '../core/arguments.js';
import * as rule from '../core/options.js';
import type { SpecTree } from './parameters/spec.js';

/** Feature maps at strides 4, 8, 16 and 32, each `[N, H / stride, W / stride, C]`. */
export interface FeatureLevels {
  readonly c2: tf.Tensor4D;
  readonly c3: tf.Tensor4D;
  readonly c4: tf.Tensor4D;
  readonly c5: tf.Tensor4D;
}

/** Optional inputs of a forward pass. */
export interface BackboneInputs {
  /** Stochastic depth, `[blocks, N]`: 0 where a block is dropped, `1 / (1 − rate)` elsewhere. */
  readonly dropPath?: tf.Tensor2D | undefined;
  /** Called with every named activation, for analyses. */
  readonly observe?: ((name: string, activation: tf.Tensor4D) => void) | undefined;
}

/** Backbone as heads see it: a feature extractor. */
export interface Backbone {
  readonly specs: SpecTree;
  /** Channels of c2 … c5. */
  readonly channels: readonly [number, number, number, number];
  /** Number of residual blocks, the rows of the drop path mask. */
  readonly numBlocks: number;
  /**
   * Computes the feature maps of an image `[N, H, W, 3]`.
   *
   * @param params the `TensorTree` of `specs`
   */
  features(params: unknown, image: tf.Tensor4D, inputs?: BackboneInputs): FeatureLevels;
}

/** Rule of options that are a {@link Backbone}. */
export const A_BACKBONE = rule.ruled(
  'a backbone with specs, channels, numBlocks and features',
  (value) => {
    const { specs, channels, numBlocks, features } = Object(value) as Partial<Backbone>;
    const isSized = Array.isArray(channels) && typeof numBlocks === 'number';
    return isSized && typeof specs === 'object' && typeof features === 'function';
  },
);

/**
 * Checks that a value is a backbone.
 *
 * @param where the function that was called with it
 * @throws InputError
 */
export function assertBackbone(where: string, backbone: Backbone): void {
  assertObject(where, 'a backbone with specs and features', backbone, 'specs', 'features');
  assertList(where, 'channels of a backbone as a list', backbone.channels);
}
