import { BOX_HEAD_CODER } from '../core/box-coder.js';
import { ROI_MATCHER } from '../core/matcher.js';
import { ROI_SAMPLER } from '../core/sampler.js';
import type { Backbone } from '../engine/backbone.js';
import { SHARED_2FC } from '../heads/box/box-head.js';
import { MASK_RCNN_RPN, type DetectorConfig } from './detection/config.js';
import { createDetector, type Detector } from './detector.js';

/**
 * Mask R-CNN with a feature pyramid, as ConvNeXt trains it on COCO. For other classes: `{ ...MASK_RCNN, numClasses }`;
 * without masks (Faster R-CNN): `{ ...MASK_RCNN, masks: null }`.
 *
 * @see https://arxiv.org/abs/1703.06870
 */
export const MASK_RCNN = {
  numClasses: 80,
  channels: 256,
  rpn: MASK_RCNN_RPN,
  boxRoiSize: 7,
  stages: [
    {
      layers: SHARED_2FC,
      classAgnostic: false,
      matcher: ROI_MATCHER,
      sampler: ROI_SAMPLER,
      coder: BOX_HEAD_CODER,
      boxLoss: { kind: 'l1', weight: 1 },
      weight: 1,
    },
  ],
  masks: { roiSize: 14, numConvs: 4 },
} as const satisfies DetectorConfig;

/** Configuration of a detector with one box stage. */
export interface MaskRcnnConfig extends DetectorConfig {
  readonly stages: readonly [DetectorConfig['stages'][number]];
}

/** Creates Mask R-CNN on a backbone. */
export function createMaskRcnn(backbone: Backbone, config: MaskRcnnConfig = MASK_RCNN): Detector {
  return createDetector(backbone, config);
}
