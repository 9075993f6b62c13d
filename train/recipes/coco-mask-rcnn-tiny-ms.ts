import { VARIANTS } from '../../backbone/variants.js';
import { MULTI_SCALE } from '../../datasets/transforms/detection-geometry.js';
import { DETECTION_THRESHOLDS } from '../../models/detection/config.js';
import type { DetectionConfig } from '../detect/config.js';
import { COCO_MASK_RCNN } from './coco-mask-rcnn.js';

/**
 * Mask R-CNN with ConvNeXt V2 Tiny on COCO, trained as ConvNeXt V1 was: multi-scale instead of large-scale jitter.
 *
 *     convnextv2 train coco-mask-rcnn-tiny-ms --data DIR --weights tiny.fcmae_ft_in1k --out RUN
 *
 * Numbers: all of V1-Tiny's configuration (16 images a step as 8 micro-batches of 2; warm-up over 500 iterations from 0.001; short sides
 * 480–800, half of the time after a crop; ordinary NMS), but GRN's scale and shift do not decay, as in `coco-mask-rcnn.ts`. No V2
 * result is published; V1-Tiny reaches 46.2 box AP and 41.7 mask AP.
 *
 * @see https://github.com/facebookresearch/ConvNeXt/tree/main/object_detection/configs/convnext
 */
export const COCO_MASK_RCNN_TINY_MS: DetectionConfig = {
  ...COCO_MASK_RCNN,
  backbone: VARIANTS.tiny,
  dropPathRate: 0.4,
  training: { kind: 'multiScale', scales: MULTI_SCALE, flipProbability: 0.5 },
  evaluation: { ...COCO_MASK_RCNN.evaluation, thresholds: DETECTION_THRESHOLDS },
  accumulation: 8,
  warmup: { steps: 500, ratio: 0.001 },
  layers: { kind: 'layerWise', layerDecay: 0.95, numLayers: 6 },
};
