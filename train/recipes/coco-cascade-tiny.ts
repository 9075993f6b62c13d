import { VARIANTS } from '../../backbone/variants.js';
import type { DetectionConfig } from '../detect/config.js';
import { COCO_CASCADE } from './coco-cascade.js';

/**
 * Cascade Mask R-CNN with ConvNeXt V2 Tiny on COCO.
 *
 *     convnextv2 train coco-cascade-tiny --data DIR --weights tiny.fcmae_ft_in1k --out RUN
 *
 * Numbers: those of V1-Tiny's Cascade. No V2 result is published for Cascade; V1-Tiny reaches 50.4 box AP and 43.7 mask AP.
 */
export const COCO_CASCADE_TINY: DetectionConfig = {
  ...COCO_CASCADE,
  backbone: VARIANTS.tiny,
  dropPathRate: 0.4,
  lr: 2e-4,
  layers: { kind: 'layerWise', layerDecay: 0.7, numLayers: 6 },
};
