import { VARIANTS } from '../../backbone/variants.js';
import type { SegmentationConfig } from '../segment/config.js';
import { ADE20K_UPERNET } from './ade20k-upernet.js';

/**
 * UPerNet with ConvNeXt V2 Base on ADE20K.
 *
 *     convnextv2 train ade20k-upernet-base --data DIR --weights base.fcmae_ft_in1k --out RUN
 *
 * Numbers: rate, drop path and layer decay were chosen from 1e-4 … 3e-4, 0.1 … 0.4 and 0.8, 0.9 (appendix A.4), the
 * choice is not published: these are V1-Base's. Expected: mIoU 52.1 from FCMAE and ImageNet-1K fine-tuning (table 7; 122
 * million parameters), several scales.
 */
export const ADE20K_UPERNET_BASE: SegmentationConfig = {
  ...ADE20K_UPERNET,
  backbone: VARIANTS.base,
  dropPathRate: 0.4,
  lr: 1e-4,
  layers: { kind: 'stageWise', layerDecay: 0.9, numLayers: 12 },
};
