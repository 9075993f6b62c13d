import { VARIANTS } from '../../backbone/variants.js';
import type { DetectionConfig } from '../detect/config.js';
import { COCO_MASK_RCNN } from './coco-mask-rcnn.js';

/**
 * Mask R-CNN with ConvNeXt V2 Tiny on COCO.
 *
 *     convnextv2 train coco-mask-rcnn-tiny --data DIR --weights tiny.fcmae --out RUN
 *
 * Numbers: drop path 0.4 and layer decay 0.95 over 6 layers are those of V1-Tiny's Mask R-CNN, inside the paper's ranges. No V2 result is
 * published for this size; V1-Tiny reaches 46.2 box AP and 41.7 mask AP with the recipe `coco-mask-rcnn-tiny-ms`.
 */
export const COCO_MASK_RCNN_TINY: DetectionConfig = {
  ...COCO_MASK_RCNN,
  backbone: VARIANTS.tiny,
  dropPathRate: 0.4,
  layers: { kind: 'layerWise', layerDecay: 0.95, numLayers: 6 },
};
