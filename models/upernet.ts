import * as tf from '../engine/tfjs.js';
import { assertObject } from '../core/arguments.js';
import * as t from '../core/schema.js';
import { assertBackbone, type Backbone, type FeatureLevels } from '../engine/backbone.js';
import { layer } from '../engine/capture/scope.js';
import type { SpecTree } from '../engine/parameters/spec.js';
import type { TensorTree } from '../engine/parameters/tensors.js';
import type { Program } from '../engine/runtime/program.js';
import type { BatchNormMode } from '../heads/conv-norm.js';
import { fcnHead, fcnHeadSpecs, type FcnHeadSpecs } from '../heads/fcn.js';
import { pixelLoss, type PixelLoss } from '../heads/pixel-losses.js';
import {
  UperNetHeadConfig,
  uperNetHead,
  uperNetHeadSpecs,
  type UperNetHeadSpecs,
} from '../heads/upernet.js';
import {
  uperNetStages,
  type SegmentationLosses,
  type SegmentationScores,
  type UperNetStages,
} from './upernet-stages.js';

/** Configuration of a UPerNet with its auxiliary head. */
export const UperNetConfig = t.extend(UperNetHeadConfig, {
  auxiliary: t.record({
    channels: t.whole(1, 2 ** 14),
    /** Weight of the auxiliary loss. */
    weight: t.NON_NEGATIVE,
  }),
});
export type UperNetConfig = t.Infer<typeof UperNetConfig>;

/** UPerNet as ConvNeXt trains it on ADE20K. For other classes: `{ ...UPERNET, numClasses }`. */
export const UPERNET = {
  numClasses: 150,
  channels: 512,
  poolScales: [1, 2, 3, 6],
  auxiliary: { channels: 256, weight: 0.4 },
} as const satisfies UperNetConfig;

/** All parameters, by the names of mmsegmentation. */
type UperNetSpecs = {
  readonly backbone: SpecTree;
  readonly decode_head: UperNetHeadSpecs;
  readonly auxiliary_head: FcnHeadSpecs;
};

/** A semantic segmenter: its parameters and programs. */
export interface UperNet {
  readonly config: UperNetConfig;
  readonly specs: UperNetSpecs;
  /** Number of residual blocks of the backbone, the rows of the drop path mask. */
  readonly numBlocks: number;
  /** Input `image` `[N, H, W, 3]`; outputs `logits` `[N, H / 4, W / 4, K]`. */
  readonly inference: Program;
  /**
   * Inputs `image`, `labels` int32 `[N, H, W]` (0 … K − 1, other values are ignored) and optionally `dropPath`
   * `[blocks, N]`, `decodeMask` `[N, channels]` and `auxiliaryMask` `[N, auxiliary.channels]` (dropout of channels).
   *
   * Outputs `loss`, its terms `lossDecode` and `lossAuxiliary` (weighted), `logits`, `auxiliaryLogits`, and for each
   * batch norm the batch's `mean` and biased `variance` `[C]` and the `count` of values by {@link statisticsName}.
   */
  readonly training: Program;
  /** The same training, cut at the batch norms, for statistics over several processes. */
  readonly stages: UperNetStages;
}

/** Name of the output with a statistic of a batch norm, e.g. `mean:decode_head.bottleneck.bn`. */
export const statisticsName = (kind: 'mean' | 'variance' | 'count', path: string): string =>
  `${kind}:${path}`;

/**
 * Composes backbone, decode head and auxiliary head.
 *
 * @param loss of both heads in training; default: cross-entropy
 */
export function createUperNet(
  backbone: Backbone,
  config: UperNetConfig = UPERNET,
  loss?: PixelLoss,
): UperNet {
  assertBackbone('createUperNet', backbone);
  assertObject('createUperNet', 'a configuration', config, 'poolScales', 'auxiliary');
  type Params = TensorTree<UperNetSpecs>;
  type Inputs = Readonly<Record<string, tf.Tensor>>;
  const { poolScales, auxiliary } = config;
  const features = (params: Params, inputs: Inputs): FeatureLevels => {
    const { image, dropPath } = inputs as { image: tf.Tensor4D; dropPath?: tf.Tensor2D };
    return backbone.features(params.backbone, image, { dropPath });
  };
  const decode = (
    params: Params,
    levels: FeatureLevels,
    mode: BatchNormMode,
    mask?: tf.Tensor2D,
  ): tf.Tensor4D =>
    layer('decodeHead', () =>
      uperNetHead(levels, params.decode_head, poolScales, {
        mode,
        path: 'decode_head',
        channelMask: mask,
      }),
    );
  const heads = (
    params: Params,
    levels: FeatureLevels,
    inputs: Inputs,
    mode: BatchNormMode,
  ): SegmentationScores => {
    const { decodeMask, auxiliaryMask } = inputs as Readonly<Record<string, tf.Tensor2D>>;
    const logits = decode(params, levels, mode, decodeMask);
    const auxiliaryLogits = layer('auxiliaryHead', () =>
      fcnHead(levels.c4, params.auxiliary_head, {
        mode,
        path: 'auxiliary_head',
        channelMask: auxiliaryMask,
      }),
    );
    return { logits, auxiliaryLogits };
  };
  const losses = (scores: SegmentationScores, inputs: Inputs): SegmentationLosses => {
    const labels = inputs['labels'] as tf.Tensor3D;
    const lossDecode = layer('loss', () => pixelLoss(scores.logits, labels, loss));
    const lossAuxiliary = layer('auxiliaryLoss', () =>
      pixelLoss(scores.auxiliaryLogits, labels, loss).mul<tf.Scalar>(auxiliary.weight),
    );
    return { loss: lossDecode.add(lossAuxiliary), lossDecode, lossAuxiliary };
  };
  return {
    config,
    numBlocks: backbone.numBlocks,
    specs: {
      backbone: backbone.specs,
      decode_head: uperNetHeadSpecs(backbone.channels, config),
      auxiliary_head: fcnHeadSpecs(backbone.channels[2], {
        channels: auxiliary.channels,
        numClasses: config.numClasses,
      }),
    },
    inference: {
      name: 'segmenter',
      forward: (params: Params, inputs) => ({
        logits: decode(params, features(params, inputs), { kind: 'running' }),
      }),
    },
    training: {
      name: 'segmenter training',
      forward: (params: Params, inputs) => {
        const statistics: Record<string, tf.Tensor> = {};
        const mode: BatchNormMode = {
          kind: 'batch',
          onStatistics: (path, { moments, count }) => {
            // `tf.keep`, because the enclosing layers dispose tensors that they do not return.
            const seen = { ...moments, count: tf.scalar(count) };
            for (const kind of ['mean', 'variance', 'count'] as const)
              statistics[statisticsName(kind, `${path}.bn`)] = tf.keep(seen[kind]);
          },
        };
        const scores = heads(params, features(params, inputs), inputs, mode);
        return { ...losses(scores, inputs), ...scores, ...statistics };
      },
    },
    stages: uperNetStages({ features, heads, losses }),
  };
}
