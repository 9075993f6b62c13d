import { VARIANTS } from '../../backbone/variants.js';
import type { DetectionConfig } from '../detect/config.js';
import { COCO_CASCADE } from './coco-cascade.js';

/**
 * Cascade Mask R-CNN with ConvNeXt V2 Large on COCO.
 *
 *     convnextv2 train coco-cascade-large --data DIR --weights large.fcmae_ft_in1k --out RUN
 *
 * Numbers: those of V1-Large's Cascade, which started from ImageNet-22K weights. No V2 result is published for Cascade; V1-Large reaches 54.8
 * box AP and 47.6 mask AP.
 */
export const COCO_CASCADE_LARGE: DetectionConfig = {
  ...COCO_CASCADE,
  backbone: VARIANTS.large,
  dropPathRate: 0.7,
  lr: 1e-4,
  layers: { kind: 'layerWise', layerDecay: 0.7, numLayers: 12 },
};
