import { LARGE_SCALE_JITTER } from '../../datasets/transforms/detection-geometry.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import { SOFT_DETECTION_NMS } from '../../core/nms-multiclass.js';
import { DETECTION_THRESHOLDS } from '../../models/detection/config.js';
import { MASK_RCNN } from '../../models/mask-rcnn.js';
import type { DetectionConfig } from '../detect/config.js';

/**
 * What the Mask R-CNN recipes of all sizes share; the recipes are the files `coco-mask-rcnn-SIZE.ts`.
 *
 * Numbers: ConvNeXt V2, appendix A.3: 32 images a step, 36 epochs (3×), AdamW, rate 1e-4, weight decay 0.05, large-scale jitter of
 * 0.1–2.0 at 1024 px, soft-NMS at a single scale. The paper leaves open warm-up and steps: these are those of mmdetection's
 * reproduction of V2-Base (rate from 0.001 of its value to all of it at iteration 999, times 0.1 at epochs 27 and 33). Ours: scale and
 * shift of GRN do not decay, as the authors advise for classification (V1's published optimizer constructor decays them:
 * `--set decayGrn=true`), and the 32 images come as 16 micro-batches of 2, full precision.
 *
 * @see https://arxiv.org/abs/2301.00808
 * @see https://github.com/open-mmlab/mmdetection/tree/v3.3.0/projects/ConvNeXt-V2
 */
export const COCO_MASK_RCNN: Omit<DetectionConfig, 'backbone' | 'dropPathRate' | 'layers'> = {
  task: 'detect',
  detector: {
    channels: MASK_RCNN.channels,
    rpn: MASK_RCNN.rpn,
    boxRoiSize: MASK_RCNN.boxRoiSize,
    stages: MASK_RCNN.stages,
    masks: MASK_RCNN.masks,
  },
  frozenStages: 0,
  pixels: IMAGENET_PIXELS,
  training: { kind: 'largeScaleJitter', jitter: LARGE_SCALE_JITTER, flipProbability: 0.5 },
  evaluation: {
    limits: { long: 1333, short: 800 },
    thresholds: { ...DETECTION_THRESHOLDS, suppression: SOFT_DETECTION_NMS.suppression },
  },
  batchSize: 2,
  accumulation: 16,
  epochs: 36,
  optimizer: { kind: 'adamw', betas: [0.9, 0.999], eps: 1e-8 },
  lr: 1e-4,
  decay: { kind: 'multiStep', milestones: [27, 33], gamma: 0.1 },
  warmup: { steps: 999, ratio: 0.001 },
  weightDecay: 0.05,
  decayGrn: false,
  clipNorm: null,
  emaDecay: null,
  logEvery: 50,
  evaluateEvery: 3,
  checkpointEvery: 1,
  keepCheckpoints: 2,
  workers: 2,
};
