import { VARIANTS } from '../../backbone/variants.js';
import type { DetectionConfig } from '../detect/config.js';
import { COCO_CASCADE } from './coco-cascade.js';

/**
 * Cascade Mask R-CNN with ConvNeXt V2 Base on COCO.
 *
 *     convnextv2 train coco-cascade-base --data DIR --weights base.fcmae_ft_in1k --out RUN
 *
 * Numbers: those of V1-Base's Cascade from ImageNet-1K weights. No V2 result is published for Cascade; V1-Base reaches 52.7 box AP and 45.6
 * mask AP.
 */
export const COCO_CASCADE_BASE: DetectionConfig = {
  ...COCO_CASCADE,
  backbone: VARIANTS.base,
  dropPathRate: 0.7,
  lr: 2e-4,
  layers: { kind: 'layerWise', layerDecay: 0.8, numLayers: 12 },
};
