import { VARIANTS, VARIANT_NAMES, type VariantName } from '../../backbone/variants.js';
import { SOFT_DETECTION_NMS } from '../../core/nms-multiclass.js';
import { LARGE_SCALE_JITTER, MULTI_SCALE } from '../../datasets/transforms/detection-geometry.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import { DETECTION_THRESHOLDS } from '../../models/detection/config.js';
import { MASK_RCNN } from '../../models/mask-rcnn.js';
import type { DetectionConfig } from '../config/detect.js';

const { numClasses: _, ...detector } = MASK_RCNN;

/** The RPN of mmdetection 3.x, which V2 is trained with: proposals without area, from anchors over the padding, are dropped. */
const RPN = {
  ...detector.rpn,
  trainProposals: { ...detector.rpn.trainProposals, minSizePx: 0 },
  testProposals: { ...detector.rpn.testProposals, minSizePx: 0 },
};

/**
 * Settings of all sizes. Batch 32, 36 epochs (3×), AdamW, rate 1e-4, weight decay 0.05, large-scale jitter of 0.1–2.0 at
 * 1024 px and soft-NMS at a single scale: ConvNeXt V2, appendix A.3. Warm-up (from 0.001 of the rate to all of it at
 * iteration 999) and steps (times 0.1 at epochs 27 and 33), which the paper leaves open: mmdetection's reproduction of
 * V2-Base. Ours: scale and shift of GRN do not decay, as the authors advise for classification (V1's published optimizer
 * constructor decays them: `--set decayGrn=true`), and the 32 images come as 16 micro-batches of 2, in full precision.
 *
 * @see https://arxiv.org/abs/2301.00808
 * @see https://github.com/open-mmlab/mmdetection/tree/v3.3.0/projects/ConvNeXt-V2
 */
export const COCO_MASK_RCNN: Omit<DetectionConfig, 'backbone' | 'dropPathRate' | 'layers'> = {
  task: 'detect',
  detector: { ...detector, rpn: RPN },
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

/** Drop path and the layers of layer-wise decay 0.95 by size. */
const TABLE: Readonly<
  Record<VariantName, { dropPath: number; numLayers: number; source: string; expected: string }>
> = {
  atto: { dropPath: 0.1, numLayers: 6, source: 'ours', expected: 'not published' },
  femto: { dropPath: 0.1, numLayers: 6, source: 'ours', expected: 'not published' },
  pico: { dropPath: 0.1, numLayers: 6, source: 'ours', expected: 'not published' },
  nano: { dropPath: 0.2, numLayers: 6, source: 'ours', expected: 'not published' },
  tiny: { dropPath: 0.4, numLayers: 6, source: 'V1-Tiny', expected: 'V1-Tiny: 46.2, 41.7' },
  base: { dropPath: 0.4, numLayers: 12, source: 'mmdetection', expected: '52.9, 46.6' },
  large: { dropPath: 0.5, numLayers: 12, source: 'ours', expected: '54.4, 47.7' },
  huge: { dropPath: 0.5, numLayers: 12, source: 'ours', expected: '55.7, 48.9' },
};

const recipe = (size: VariantName): DetectionConfig => ({
  ...COCO_MASK_RCNN,
  backbone: VARIANTS[size],
  dropPathRate: TABLE[size].dropPath,
  layers: { kind: 'layerWise', layerDecay: 0.95, numLayers: TABLE[size].numLayers },
});

/**
 * Mask R-CNN on COCO: `coco-mask-rcnn-atto` … `coco-mask-rcnn-huge`, and `coco-mask-rcnn-tiny-ms`, trained as ConvNeXt V1
 * was.
 *
 *     convnextv2 train coco-mask-rcnn-tiny --data DIR --weights tiny.fcmae --out RUN
 *     convnextv2 train coco-mask-rcnn-tiny-ms --data DIR --weights tiny.fcmae_ft_in1k --out RUN
 *
 * Numbers: the paper chose drop path from 0.2 … 0.5 and layer decay from 0.9, 0.95 without publishing the choice; the
 * table says where each is from. The 6 layers are made for a third stage of nine blocks; the third stage of Atto to Pico
 * has six, that of Nano eight. `-ms` is V1-Tiny's configuration (16 images per step as 8 micro-batches of 2; warm-up over
 * 500 iterations from 0.001; short sides 480–800, half of the time after a crop; ordinary NMS; mmdetection 2.x, which keeps proposals without area), but GRN's scale and shift
 * do not decay. Expected (box AP, mask AP): the table, from the paper's table 6 (mmdetection's Base: 52.9, 46.4).
 *
 * @see https://github.com/facebookresearch/ConvNeXt/tree/main/object_detection/configs/convnext
 */
export const COCO_MASK_RCNN_RECIPES: Readonly<Record<string, DetectionConfig>> = {
  ...Object.fromEntries(VARIANT_NAMES.map((size) => [`coco-mask-rcnn-${size}`, recipe(size)])),
  'coco-mask-rcnn-tiny-ms': {
    ...recipe('tiny'),
    detector,
    training: { kind: 'multiScale', scales: MULTI_SCALE, flipProbability: 0.5 },
    evaluation: { ...COCO_MASK_RCNN.evaluation, thresholds: DETECTION_THRESHOLDS },
    accumulation: 8,
    warmup: { steps: 500, ratio: 0.001 },
  },
};
