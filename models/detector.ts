import { assertList, assertObject } from '../core/arguments.js';
import { assertBackbone, type Backbone } from '../engine/backbone.js';
import type { TensorTree } from '../engine/parameters/tensors.js';
import type { Program } from '../engine/runtime/program.js';
import { boxHeadSpecs, type BoxHeadSpecs } from '../heads/box/box-head.js';
import { fpnSpecs } from '../heads/fpn.js';
import { maskHeadSpecs, type MaskHeadSpecs } from '../heads/mask/mask-head.js';
import { rpnSpecs } from '../heads/rpn/rpn-head.js';
import { boxInference, boxTraining, boxTrainingAfterConvs } from './detection/box-programs.js';
import type { DetectorConfig } from './detection/config.js';
import { featureGradients, features } from './detection/feature-programs.js';
import { maskInference, maskTraining } from './detection/mask-programs.js';
import { rpnTraining } from './detection/rpn-program.js';
import type { DetectorParams, DetectorSpecs } from './detection/specs.js';

/** Programs of a box head. */
interface BoxStage {
  /** Inputs `features` `[R, P, P, C]`; outputs `logits` `[R, K + 1]`, `deltas` `[R, 4K]` or `[R, 4]`. */
  readonly inference: Program;
  /** See {@link boxTraining}. */
  readonly training: Program;
  /** See {@link boxTrainingAfterConvs}. */
  readonly trainingAfterConvs: Program;
  /** Prefix of its parameters, with a dot. */
  readonly prefix: string;
}

/** Programs of a mask head. */
interface MaskStage {
  /** Inputs `features` `[R, P, P, C]`, `oneHot` `[R, K]`; outputs `masks` `[R, 2P, 2P]`, probabilities. */
  readonly inference: Program;
  /** See {@link maskTraining}. */
  readonly training: Program;
  readonly prefix: string;
}

/** A detector: its parameters and programs. Proposals, sampling and RoIAlign run on the host between programs. */
export interface Detector {
  readonly config: DetectorConfig;
  readonly specs: DetectorSpecs;
  /** Number of residual blocks of the backbone, the rows of the drop path mask. */
  readonly numBlocks: number;
  /** See {@link features}. */
  readonly features: Program;
  /** See {@link featureGradients}. */
  readonly featureGradients: Program;
  /** See {@link rpnTraining}. */
  readonly rpnTraining: Program;
  readonly boxStages: readonly BoxStage[];
  /** One per box stage, or none. */
  readonly maskStages: readonly MaskStage[];
}

/** Composes backbone, pyramid, RPN and heads. */
export function createDetector(backbone: Backbone, config: DetectorConfig): Detector {
  assertBackbone('createDetector', backbone);
  assertObject('createDetector', 'a configuration', config, 'channels', 'rpn', 'stages');
  assertList('createDetector', 'stages as a list', config.stages);
  const { channels, numClasses, rpn, stages, masks } = config;
  const boxHeads = stages.map(({ layers, classAgnostic }) =>
    boxHeadSpecs({ ...layers, channels, roiSize: config.boxRoiSize, numClasses, classAgnostic }),
  );
  const maskHeads = masks
    ? stages.map(() => maskHeadSpecs({ numConvs: masks.numConvs, channels, numClasses }))
    : [];
  const single = stages.length === 1;
  const at = (i: number): string => (single ? '.' : `.${i}.`);
  return {
    config,
    specs: {
      backbone: backbone.specs,
      neck: fpnSpecs(backbone.channels, channels),
      rpn_head: rpnSpecs(channels, rpn.anchors.ratios.length),
      roi_head: {
        bbox_head: single ? boxHeads[0] : boxHeads,
        mask_head: single && masks ? maskHeads[0] : maskHeads,
      },
    },
    numBlocks: backbone.numBlocks,
    features: features(backbone),
    featureGradients: featureGradients(backbone),
    rpnTraining: rpnTraining(rpn),
    boxStages: stages.map((stage, i) => {
      const params = (all: DetectorParams): TensorTree<BoxHeadSpecs> =>
        headOf(all.roi_head.bbox_head, i);
      return {
        inference: boxInference(params),
        training: boxTraining(params, stage, numClasses),
        trainingAfterConvs: boxTrainingAfterConvs(params, stage, numClasses),
        prefix: `roi_head.bbox_head${at(i)}`,
      };
    }),
    maskStages: maskHeads.map((_, i) => {
      const params = (all: DetectorParams): TensorTree<MaskHeadSpecs> =>
        headOf(all.roi_head.mask_head, i);
      return {
        inference: maskInference(params),
        training: maskTraining(params),
        prefix: `roi_head.mask_head${at(i)}`,
      };
    }),
  };
}

/** Parameters of stage `i`; with one stage there is no number. */
function headOf<Head extends Readonly<Record<string, unknown>>>(
  heads: Head | readonly Head[],
  i: number,
): Head {
  return Array.isArray(heads) ? (heads as readonly Head[])[i] : (heads as Head);
}
