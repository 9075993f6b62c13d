import type * as tf from '@tensorflow/tfjs';
import { assertObject } from '../core/arguments.js';
import { EPS } from '../backbone/block.js';
import { createBackbone, type ConvNeXtV2Specs } from '../backbone/convnextv2.js';
import type { ConvNeXtV2Config } from '../backbone/variants.js';
import { assertBackbone, type Backbone } from '../engine/backbone.js';
import { layer } from '../engine/capture/scope.js';
import { softTargetCrossEntropy, type SoftTargetOptions } from '../engine/ops/losses.js';
import type { TensorTree } from '../engine/parameters/tensors.js';
import type { Program } from '../engine/runtime/program.js';
import {
  classifier,
  classifierSpecs,
  type ClassifierOutputs,
  type ClassifierSpecs,
} from '../heads/classifier.js';

/** Configuration of a ConvNeXt V2 image classifier. */
export interface ClassifierConfig {
  readonly backbone: ConvNeXtV2Config;
  readonly classes: number;
  /** Factor of the head's initial weights: 0.001 in fine-tuning, 1 from scratch. */
  readonly headInitScale: number;
  /** Width of a layer with GELU before the head, as in CLIP's `large_mlp`; absent: no such layer. */
  readonly hiddenChannels?: number | undefined;
  /** Whether positions are normalized before pooling, as in timm's `_hnf`; absent: their mean is. */
  readonly normFirst?: boolean | undefined;
}

/** All parameters of a classifier, by the names of the official checkpoints. */
export type ClassifierModelSpecs = ConvNeXtV2Specs & ClassifierSpecs;

/** A classifier: its parameters and programs. */
export interface Classifier {
  readonly config: ClassifierConfig;
  readonly specs: ClassifierModelSpecs;
  /** Number of residual blocks, the rows of the drop path mask. */
  readonly numBlocks: number;
  /** Input `image` `[N, H, W, 3]`; outputs `logits` `[N, K]`. */
  readonly inference: Program;
  /**
   * Inputs `image`, `targets` `[N, K]` (rows sum to 1) and, with drop path, `dropPath` `[blocks, N]`;
   * outputs `loss` and `logits`.
   */
  readonly training: Program;
}

/**
 * Composes backbone and head.
 *
 * @param network another backbone than `config.backbone`
 * @param loss changes of the cross-entropy in training
 */
export function createClassifier(
  config: ClassifierConfig,
  network?: Backbone,
  loss?: SoftTargetOptions,
): Classifier {
  assertObject('createClassifier', 'a configuration', config, 'backbone', 'classes');
  const backbone = network ?? createBackbone(config.backbone);
  assertBackbone('createClassifier', backbone);
  const specs = {
    ...backbone.specs,
    ...classifierSpecs(backbone.channels[3], config.classes, {
      initScale: config.headInitScale,
      hidden: config.hiddenChannels,
      normKind: config.backbone.norm,
      normFirst: config.normFirst,
    }),
  } as ClassifierModelSpecs;
  const { norm: kind, normEps = EPS, headNormEps = normEps } = config.backbone;
  type Params = TensorTree<ClassifierModelSpecs>;
  const forward = (
    params: Params,
    inputs: Readonly<Record<string, tf.Tensor>>,
  ): ClassifierOutputs => {
    const { image, dropPath } = inputs as { image: tf.Tensor4D; dropPath?: tf.Tensor2D };
    const { c5 } = backbone.features(params, image, { dropPath });
    return layer('head', () => ({ ...classifier(c5, params, { eps: headNormEps, kind }) }));
  };
  return {
    config,
    specs,
    numBlocks: backbone.numBlocks,
    inference: {
      name: 'classifier',
      forward: (params: Params, inputs) => ({ logits: forward(params, inputs).logits }),
    },
    training: {
      name: 'classifier training',
      forward: (params: Params, inputs) => {
        const { logits } = forward(params, inputs);
        const targets = inputs['targets'] as tf.Tensor2D;
        return { loss: softTargetCrossEntropy(logits, targets, loss), logits };
      },
    },
  };
}
