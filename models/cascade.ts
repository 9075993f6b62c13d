import { assertList, assertObject } from '../core/arguments.js';
import { BOX_HEAD_CODER, type BoxCoderConfig } from '../core/box-coder.js';
import { ConfigError } from '../core/errors.js';
import { CASCADE_MATCHERS } from '../core/matcher.js';
import { CASCADE_TRAIN_PROPOSALS } from '../core/nms-proposals.js';
import { ROI_SAMPLER } from '../core/sampler.js';
import type { Backbone } from '../engine/backbone.js';
import { SHARED_4CONV_1FC } from '../heads/box/box-head.js';
import { MASK_RCNN_RPN, type BoxStageConfig, type DetectorConfig } from './detection/config.js';
import { createDetector, type Detector } from './detector.js';
import { MASK_RCNN } from './mask-rcnn.js';

const means = BOX_HEAD_CODER.means;

/** Coders of the three stages. Boxes of later stages are closer to the objects, so their deltas are smaller. */
const CASCADE_CODERS: readonly BoxCoderConfig[] = [
  BOX_HEAD_CODER,
  { means, stds: [0.05, 0.05, 0.1, 0.1] },
  { means, stds: [0.033, 0.033, 0.067, 0.067] },
];

/** Loss weights of the stages. */
const STAGE_WEIGHTS = [1, 0.5, 0.25];

/** Creates stages that differ only in thresholds, coders and loss weights. */
export function cascadeStages(
  head: Pick<BoxStageConfig, 'layers' | 'classAgnostic' | 'boxLoss'>,
): readonly BoxStageConfig[] {
  return CASCADE_CODERS.map((coder, i) => ({
    ...head,
    matcher: CASCADE_MATCHERS[i],
    sampler: ROI_SAMPLER,
    coder,
    weight: STAGE_WEIGHTS[i],
  }));
}

/**
 * Cascade Mask R-CNN as ConvNeXt trains it on COCO: heads of four convolutions with batch norm and one fully connected layer,
 * class-specific boxes, GIoU on decoded boxes.
 *
 * @see https://arxiv.org/abs/1906.09756
 */
export const CASCADE_MASK_RCNN: DetectorConfig = {
  ...MASK_RCNN,
  rpn: {
    ...MASK_RCNN_RPN,
    allowedBorderPx: 0,
    boxLoss: { kind: 'smoothL1', beta: 1 / 9, weight: 1 },
    trainProposals: CASCADE_TRAIN_PROPOSALS,
  },
  stages: cascadeStages({
    layers: SHARED_4CONV_1FC,
    classAgnostic: false,
    boxLoss: { kind: 'giou', weight: 10 },
  }),
};

/**
 * Creates Cascade Mask R-CNN on a backbone.
 *
 * @throws ConfigError for fewer than two stages
 */
export function createCascade(
  backbone: Backbone,
  config: DetectorConfig = CASCADE_MASK_RCNN,
): Detector {
  assertObject('createCascade', 'a configuration', config);
  assertList('createCascade', 'stages as a list', config.stages);
  if (config.stages.length < 2)
    throw new ConfigError(
      `createCascade: expected two or more stages, got ${config.stages.length}; use createMaskRcnn`,
    );
  return createDetector(backbone, config);
}
