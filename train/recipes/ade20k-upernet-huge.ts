import { VARIANTS } from '../../backbone/variants.js';
import type { SegmentationConfig } from '../segment/config.js';
import { ADE20K_UPERNET } from './ade20k-upernet.js';

/**
 * UPerNet with ConvNeXt V2 Huge on ADE20K.
 *
 *     convnextv2 train ade20k-upernet-huge --data DIR --weights huge.fcmae_ft_in1k --out RUN
 *
 * Numbers: rate, drop path and layer decay were chosen from 1e-4 … 3e-4, 0.1 … 0.4 and 0.8, 0.9 (appendix A.4), the
 * choice is not published: drop path and layer decay are V1-XLarge's, the rate is ours (V1-XLarge: 8e-5, below that
 * range). Expected: mIoU 55.0 from FCMAE and ImageNet-1K fine-tuning (table 7; 707 million parameters).
 */
export const ADE20K_UPERNET_HUGE: SegmentationConfig = {
  ...ADE20K_UPERNET,
  backbone: VARIANTS.huge,
  dropPathRate: 0.4,
  lr: 1e-4,
  layers: { kind: 'stageWise', layerDecay: 0.9, numLayers: 12 },
};
