import * as tf from '@tensorflow/tfjs';
import type { FeatureLevels } from '../engine/backbone.js';
import { vjp } from '../engine/ops/vjp.js';
import type { Program } from '../engine/runtime/program.js';
import type { BatchNormMode } from '../heads/conv-norm.js';

/** Scores of both heads, before they are enlarged. */
export interface SegmentationScores {
  /** `[N, H / 4, W / 4, K]` */
  readonly logits: tf.Tensor4D;
  /** `[N, H / 16, W / 16, K]` */
  readonly auxiliaryLogits: tf.Tensor4D;
}

/** Total loss and its terms. */
export interface SegmentationLosses {
  readonly loss: tf.Scalar;
  readonly lossDecode: tf.Scalar;
  readonly lossAuxiliary: tf.Scalar;
}

/**
 * The training of a UPerNet cut at its batch norms, whose statistics are to be those of the batches of several processes. Between
 * the stages the host normalizes: stage `k` convolves what lies `k` norms behind the backbone.
 *
 * Inputs of all but stage 0: `c5`, and `y:PATH`, what came after norm and ReLU of module `PATH`, of all lower stages. Stage 0
 * has `image` and `dropPath`.
 */
export interface UperNetStages {
  /** Outputs `x:PATH`, the convolution of every module of the stage; of stage 0 also `c5`. */
  readonly forward: readonly Program[];
  /** Further inputs `labels`, `decodeMask`, `auxiliaryMask`; outputs as of `training`. */
  readonly loss: Program;
  /** Further inputs `dx:PATH`, and of stage 0 `dx:c5`: gradients of the outputs of `forward`. Output `loss`, which is 0. */
  readonly backward: readonly Program[];
}

/** Modules by the number of batch norms before them. */
const STAGES: readonly RegExp[] = [
  /\.psp_modules\.|\.lateral_convs\.|^auxiliary_head\./,
  /\.bottleneck$/,
  /\.fpn_convs\./,
  /\.fpn_bottleneck$/,
];

/** The stage of a module with a batch norm, by its path. */
export const stageOf = (path: string): number => STAGES.findIndex((stage) => stage.test(path));

/** The modules, whose activations the losses and the convolutions of a stage depend on; `c5` is a feature map. */
export const STAGE_READS: readonly RegExp[] = [
  /^$/,
  /^c5$|\.psp_modules\./,
  /\.lateral_convs\.|\.bottleneck$/,
  /\.fpn_convs\.|\.bottleneck$/,
  /\.fpn_bottleneck$|^auxiliary_head\./,
];

type Inputs = Readonly<Record<string, tf.Tensor>>;

/** What a UPerNet computes, in parts. */
interface UperNetParts {
  features(params: unknown, inputs: Inputs): FeatureLevels;
  heads(
    params: unknown,
    levels: FeatureLevels,
    inputs: Inputs,
    mode: BatchNormMode,
  ): SegmentationScores;
  losses(scores: SegmentationScores, inputs: Inputs): SegmentationLosses;
}

/** Cuts a UPerNet. What a stage computes beyond its own modules is of no use and drops out of compiled graphs. */
export function uperNetStages({ features, heads, losses }: UperNetParts): UperNetStages {
  const run = (
    stage: number,
    params: unknown,
    inputs: Inputs,
  ): { readonly scores: SegmentationScores; readonly found: Record<string, tf.Tensor> } => {
    const found: Record<string, tf.Tensor> = {};
    const mode: BatchNormMode = {
      kind: 'cut',
      normalized: (path, convolved) => {
        const given = inputs[`y:${path}`] as tf.Tensor4D | undefined;
        if (given) return given;
        const x = convolved();
        // Kept: the layers that are open here dispose what they do not return.
        if (stageOf(path) === stage) found[path] = tf.keep(x);
        return x;
      },
    };
    const { c5 } = inputs as Readonly<Record<string, tf.Tensor4D>>;
    // Only modules of stage 0 read the other levels.
    const levels: FeatureLevels =
      stage === 0 ? features(params, inputs) : { c2: c5, c3: c5, c4: c5, c5 };
    if (stage === 0) found['c5'] = levels.c5;
    return { scores: heads(params, levels, inputs, mode), found };
  };
  return {
    forward: STAGES.map((_, stage) => ({
      name: `segmenter stage ${stage}`,
      forward: (params, inputs) => {
        const { found } = run(stage, params, inputs);
        return Object.fromEntries(
          Object.entries(found).map(([path, x]) => [path === 'c5' ? path : `x:${path}`, x]),
        );
      },
    })),
    loss: {
      name: 'segmenter losses',
      forward: (params, inputs) => ({
        ...losses(run(STAGES.length, params, inputs).scores, inputs),
      }),
    },
    backward: STAGES.map((_, stage) => ({
      name: `segmenter stage ${stage} gradients`,
      forward: (params, inputs) => {
        const { found } = run(stage, params, inputs);
        const products = Object.entries(found).map(([path, x]) => vjp(x, inputs[`dx:${path}`]));
        return { loss: tf.addN(products) };
      },
    })),
  };
}
