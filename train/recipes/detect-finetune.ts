import { VARIANTS } from '../../backbone/variants.js';
import { MULTI_SCALE } from '../../datasets/transforms/detection-geometry.js';
import { DETECTION_THRESHOLDS } from '../../models/detection/config.js';
import { MASK_RCNN } from '../../models/mask-rcnn.js';
import type { DetectionConfig } from '../detect/config.js';
import { COCO_MASK_RCNN } from './coco-mask-rcnn.js';

const [stage] = MASK_RCNN.stages;

/**
 * Detection of a user's own objects in a few hundred to a few thousand images with COCO annotations.
 *
 *     convnextv2 train detect-finetune --data DIR --weights tiny.fcmae_ft_in1k --out RUN
 *
 * Numbers: model, losses, optimizer, weight decay and the layer decay 0.95 over 6 layers of `coco-mask-rcnn-tiny`. Ours, for sets that a large
 * backbone learns by heart: stem and first stage stay as they are, drop path 0.2, short sides 384–512, 256 sampled regions an image, batch 4, 12
 * epochs (1×) with linear decay, a moving average of the weights, clipping. `--patience 3` stops early; `--set frozenStages=4` trains
 * the heads only, which is enough for objects that ImageNet knows. No result is claimed: the official weights could not be downloaded where
 * this was written.
 */
export const DETECT_FINETUNE: DetectionConfig = {
  ...COCO_MASK_RCNN,
  backbone: VARIANTS.tiny,
  detector: {
    ...COCO_MASK_RCNN.detector,
    stages: [{ ...stage, sampler: { ...stage.sampler, numSamples: 256 } }],
  },
  frozenStages: 1,
  dropPathRate: 0.2,
  training: {
    kind: 'multiScale',
    scales: {
      shortSides: [384, 416, 448, 480, 512],
      longSide: 853,
      crop: { ...MULTI_SCALE.crop, shortSides: [400, 500], sides: [320, 500] },
    },
    flipProbability: 0.5,
  },
  evaluation: { limits: { long: 853, short: 512 }, thresholds: DETECTION_THRESHOLDS },
  batchSize: 2,
  accumulation: 2,
  epochs: 12,
  lr: 1e-4,
  decay: { kind: 'poly', power: 1, minLr: 0 },
  warmup: { steps: 100, ratio: 0.01 },
  layers: { kind: 'layerWise', layerDecay: 0.95, numLayers: 6 },
  clipNorm: 5,
  emaDecay: 0.999,
  logEvery: 10,
  evaluateEvery: 1,
};
