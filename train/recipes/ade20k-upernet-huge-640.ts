import { VARIANTS } from '../../backbone/variants.js';
import type { SegmentationConfig } from '../segment/config.js';
import { ADE20K_UPERNET } from './ade20k-upernet.js';

/**
 * UPerNet with ConvNeXt V2 Huge on ADE20K.
 *
 *     convnextv2 train ade20k-upernet-huge-640 --data DIR --weights huge.fcmae_ft_in22k_in1k_512 --out RUN
 *
 * Numbers: as `ade20k-upernet-huge` at 640 px: crop, limits and window of V1's 640 px configurations. Expected: mIoU
 * 57.0 from ImageNet-22K fine-tuning (table 7).
 */
export const ADE20K_UPERNET_HUGE_640: SegmentationConfig = {
  ...ADE20K_UPERNET,
  backbone: VARIANTS.huge,
  dropPathRate: 0.4,
  lr: 1e-4,
  layers: { kind: 'stageWise', layerDecay: 0.9, numLayers: 12 },
  geometry: { ...ADE20K_UPERNET.geometry, scale: { long: 2560, short: 640 }, cropSize: 640 },
  evaluation: {
    ...ADE20K_UPERNET.evaluation,
    limits: { long: 2560, short: 640 },
    window: { cropSize: 640, stride: 426 },
  },
};
