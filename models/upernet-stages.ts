import * as tf from '../engine/tfjs.js';
import type { FeatureLevels } from '../engine/backbone.js';
import { vjp } from '../engine/ops/vjp.js';
import type { Program } from '../engine/runtime/program.js';
import type { BatchNormMode } from '../heads/conv-norm.js';

/** Logits of both heads before upsampling. */
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
 * Training of a UPerNet, cut at its batch norms so that statistics can be combined over several processes. Between stages
 * the host normalizes; stage `k` contains the convolutions with `k` norms between them and the backbone.
 *
 * Inputs of all but stage 0: `c5`, and for every module `PATH` of lower stages `y:PATH`, its output after norm and ReLU.
 * Stage 0 has `image` and `dropPath`.
 */
export interface UperNetStages {
  /** Outputs `x:PATH`, the convolution of every module of the stage; of stage 0 also `c5`. */
  readonly forward: readonly Program[];
  /** Additional inputs `labels`, `decodeMask`, `auxiliaryMask`; outputs as of `training`. */
  readonly loss: Program;
  /**
   * Additional inputs `dx:PATH`, and for stage 0 `dx:c5`: gradients of the outputs of `forward`. Output `loss`, which is
   * 0.
   */
  readonly backward: readonly Program[];
}

/** Modules by the number of batch norms before them. */
const STAGES: readonly RegExp[] = [
  /\.psp_modules\.|\.lateral_convs\.|^auxiliary_head\./,
  /\.bottleneck$/,
  /\.fpn_convs\./,
  /\.fpn_bottleneck$/,
];

/** Stage of a module with a batch norm, by path. */
export const stageOf = (path: string): number => STAGES.findIndex((stage) => stage.test(path));

/** Modules whose activations are inputs of a stage; `c5` is a feature map. */
export const STAGE_READS: readonly RegExp[] = [
  /^$/,
  /^c5$|\.psp_modules\./,
  /\.lateral_convs\.|\.bottleneck$/,
  /\.fpn_convs\.|\.bottleneck$/,
  /\.fpn_bottleneck$|^auxiliary_head\./,
];

type Inputs = Readonly<Record<string, tf.Tensor>>;

/** Functions of a UPerNet. */
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

/**
 * Cuts a UPerNet. Every stage traces the whole network; nodes that its outputs do not need are dropped from the compiled
 * graph.
 */
export function uperNetStages({ features, heads, losses }: UperNetParts): UperNetStages {
  const run = (
    stage: number,
    params: unknown,
    inputs: Inputs,
  ): { readonly scores: SegmentationScores; readonly cut: Record<string, tf.Tensor> } => {
    const cut: Record<string, tf.Tensor> = {};
    const mode: BatchNormMode = {
      kind: 'cut',
      normalized: (path, convolved) => {
        const given = inputs[`y:${path}`] as tf.Tensor4D | undefined;
        if (given) return given;
        const x = convolved();
        // `tf.keep`, because the enclosing layers dispose tensors that they do not return.
        if (stageOf(path) === stage) cut[path] = tf.keep(x);
        return x;
      },
    };
    const { c5 } = inputs as Readonly<Record<string, tf.Tensor4D>>;
    // Only modules of stage 0 use the other levels.
    const levels: FeatureLevels =
      stage === 0 ? features(params, inputs) : { c2: c5, c3: c5, c4: c5, c5 };
    if (stage === 0) cut['c5'] = levels.c5;
    return { scores: heads(params, levels, inputs, mode), cut };
  };
  return {
    forward: STAGES.map((_, stage) => ({
      name: `segmenter stage ${stage}`,
      forward: (params, inputs) => {
        const { cut } = run(stage, params, inputs);
        return Object.fromEntries(
          Object.entries(cut).map(([path, x]) => [path === 'c5' ? path : `x:${path}`, x]),
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
        const { cut } = run(stage, params, inputs);
        const products = Object.entries(cut).map(([path, x]) => vjp(x, inputs[`dx:${path}`]));
        return { loss: tf.addN(products) };
      },
    })),
  };
}
