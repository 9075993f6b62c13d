import { VARIANTS } from '../../backbone/variants.js';
import type { SegmentationConfig } from '../segment/config.js';
import { ADE20K_UPERNET } from './ade20k-upernet.js';

/**
 * UPerNet with ConvNeXt V2 Tiny on ADE20K.
 *
 *     convnextv2 train ade20k-upernet-tiny --data DIR --weights tiny.fcmae_ft_in1k --out RUN
 *
 * Numbers: all of V1-Tiny's configuration. No result is published for V2; V1-Tiny reaches mIoU 46.0 (46.7 at several
 * scales).
 */
export const ADE20K_UPERNET_TINY: SegmentationConfig = {
  ...ADE20K_UPERNET,
  backbone: VARIANTS.tiny,
  dropPathRate: 0.4,
  lr: 1e-4,
  layers: { kind: 'stageWise', layerDecay: 0.9, numLayers: 6 },
};
