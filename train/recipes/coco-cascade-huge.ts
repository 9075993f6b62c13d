import { VARIANTS } from '../../backbone/variants.js';
import type { DetectionConfig } from '../detect/config.js';
import { COCO_CASCADE } from './coco-cascade.js';

/**
 * Cascade Mask R-CNN with ConvNeXt V2 Huge on COCO.
 *
 *     convnextv2 train coco-cascade-huge --data DIR --weights huge.fcmae_ft_in1k --out RUN
 *
 * Numbers: there is no V1 of this size: those of V1-XLarge's Cascade, which started from ImageNet-22K weights. No V2 result is published for
 * Cascade; V1-XLarge reaches 55.2 box AP and 47.7 mask AP.
 */
export const COCO_CASCADE_HUGE: DetectionConfig = {
  ...COCO_CASCADE,
  backbone: VARIANTS.huge,
  dropPathRate: 0.8,
  lr: 1e-4,
  layers: { kind: 'layerWise', layerDecay: 0.7, numLayers: 12 },
};
