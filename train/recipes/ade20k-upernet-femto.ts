import { VARIANTS } from '../../backbone/variants.js';
import type { SegmentationConfig } from '../segment/config.js';
import { ADE20K_UPERNET } from './ade20k-upernet.js';

/**
 * UPerNet with ConvNeXt V2 Femto on ADE20K.
 *
 *     convnextv2 train ade20k-upernet-femto --data DIR --weights femto.fcmae_ft_in1k --out RUN
 *
 * Numbers: drop path is ours, in the paper's range; rate, layer decay and its 6 layers are V1-Tiny's. No result is
 * published for this size.
 */
export const ADE20K_UPERNET_FEMTO: SegmentationConfig = {
  ...ADE20K_UPERNET,
  backbone: VARIANTS.femto,
  dropPathRate: 0.1,
  lr: 1e-4,
  layers: { kind: 'stageWise', layerDecay: 0.9, numLayers: 6 },
};
