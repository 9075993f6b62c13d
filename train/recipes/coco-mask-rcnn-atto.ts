import { VARIANTS } from '../../backbone/variants.js';
import type { DetectionConfig } from '../detect/config.js';
import { COCO_MASK_RCNN } from './coco-mask-rcnn.js';

/**
 * Mask R-CNN with ConvNeXt V2 Atto on COCO.
 *
 *     convnextv2 train coco-mask-rcnn-atto --data DIR --weights atto.fcmae --out RUN
 *
 * Numbers: drop path, layer decay and its 6 layers (made for a third stage of nine blocks; this one has six) are ours, the decay
 * from the paper's range. No result is published for this size.
 */
export const COCO_MASK_RCNN_ATTO: DetectionConfig = {
  ...COCO_MASK_RCNN,
  backbone: VARIANTS.atto,
  dropPathRate: 0.1,
  layers: { kind: 'layerWise', layerDecay: 0.95, numLayers: 6 },
};
