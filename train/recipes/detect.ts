import { VARIANTS } from '../../backbone/variants.js';
import { MULTI_SCALE } from '../../datasets/transforms/detection-geometry.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import { DETECTION_THRESHOLDS } from '../../models/detection/config.js';
import { MASK_RCNN } from '../../models/mask-rcnn.js';
import type { DetectionConfig } from '../config/detect.js';
import { COCO_MASK_RCNN } from './coco-mask-rcnn.js';

const [stage] = MASK_RCNN.stages;

/**
 * A small detector from scratch, for a few hundred to a few thousand small images: minutes on a CPU.
 *
 *     convnextv2 train detect --data DIR --out RUN
 *
 * Numbers: losses, matching and thresholds of Mask R-CNN, AdamW, betas and weight decay of the COCO recipes. Ours, for
 * training without pretrained weights that ends in minutes: weights initialized by fan-in, pyramid and heads of 32
 * channels (the originals' are 256), a box head of four convolutions with batch norm and one layer of 256 units (Mask
 * R-CNN: two of 1024, which learn classes more slowly from scratch), anchors of half the size for objects from 16 px, 64
 * sampled RoIs an image (512) from 500 proposals (1000), short side 240, rate 1e-3 falling linearly to 0, clipping. A run
 * by the name of the recipe takes size of the input and anchors from the objects (`train/detect/fit-settings.ts`), which
 * changes nothing on `data shapes`, and trains the backbone on cut-out objects first, which was not so in the runs named here.
 * Expected: on the 1,000 images of `data shapes` box AP 0.487, AP50 0.698, mask AP 0.403, AP50 0.616 on the 200 held-out
 * ones after 28:54 minutes on two cores, with `--set epochs=12 --set evaluateEvery=12 --set lr=2e-3 --set
 * training.copyPaste=2 --set evaluation.limits='{"long":400,"short":280}'` (0.333 and 0.264 with `--set epochs=14 --set
 * evaluateEvery=14 --set detector.stages.0.sampler.numSamples=32` alone, the number of RoIs that was the default). On 8
 * images of COCO, scored on the same (a `data.yaml` with `limit: 8`), box AP 0.711, AP50 0.973, mask AP 0.609, AP50 0.958
 * after 195 CPU seconds, with `--set epochs=80 --set detector.stages.0.sampler.numSamples=32 --set
 * detector.rpn.anchors.scale=4 --set
 * training='{"kind":"evaluation","limits":{"long":320,"short":320}}' --set evaluation.limits='{"long":320,"short":320}'`.
 * On 160 photos, see docs/little-data.md.
 */
export const DETECT: DetectionConfig = {
  task: 'detect',
  backbone: { ...VARIANTS.atto, initialWeights: 'fanIn' },
  detector: {
    channels: 32,
    rpn: {
      ...MASK_RCNN.rpn,
      anchors: { ...MASK_RCNN.rpn.anchors, scale: 4 },
      trainProposals: { ...MASK_RCNN.rpn.trainProposals, numBeforeNms: 1000, maxPerImage: 500 },
      testProposals: { ...MASK_RCNN.rpn.testProposals, numBeforeNms: 1000, maxPerImage: 500 },
    },
    boxRoiSize: MASK_RCNN.boxRoiSize,
    stages: [
      {
        ...stage,
        layers: { numConvs: 4, numFcs: 1, fcChannels: 256 },
        sampler: { numSamples: 64, positiveFraction: 0.4 },
      },
    ],
    masks: MASK_RCNN.masks,
  },
  frozenStages: 0,
  dropPathRate: 0,
  batchNormOver: 'ranks',
  pixels: IMAGENET_PIXELS,
  keepEmpty: true,
  ignoreRegions: 0.5,
  training: {
    kind: 'multiScale',
    scales: {
      shortSides: [240],
      longSide: 400,
      crop: { shortSides: [240], sides: [240, 400] },
    },
    flipProbability: 0.5,
  },
  evaluation: { limits: { long: 400, short: 240 }, thresholds: DETECTION_THRESHOLDS },
  batchSize: 2,
  accumulation: 1,
  epochs: 4,
  optimizer: { kind: 'adamw', betas: [0.9, 0.999], eps: 1e-8 },
  lr: 1e-3,
  decay: { kind: 'poly', power: 1, minLr: 0 },
  warmup: { steps: 100, ratio: 0.01 },
  weightDecay: 0.05,
  layers: { kind: 'uniform' },
  decayGrn: false,
  clipNorm: 5,
  emaDecay: null,
  logEvery: 20,
  evaluateEvery: 2,
  checkpointEvery: 1,
  keepCheckpoints: 2,
  workers: 1,
};

/**
 * Detection of a user's own objects in a few hundred to a few thousand images with COCO annotations.
 *
 *     convnextv2 train detect-finetune --data DIR --weights tiny.fcmae_ft_in1k --out RUN
 *
 * Numbers: model, losses, optimizer, weight decay and the layer decay 0.95 over 6 layers of `coco-mask-rcnn-tiny`. Ours,
 * for sets that a large backbone overfits: stem and first stage frozen, drop path 0.2, short sides 384–512, 256 sampled
 * RoIs an image, batch 4, 12 epochs (1×) with linear decay, EMA of the weights, clipping, images without objects as
 * background (`--set keepEmpty=false` leaves them out). `--patience 3` stops early;
 * `--set frozenStages=4` trains the heads only, which is enough for objects that ImageNet knows. No result is claimed.
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
  keepEmpty: true,
  ignoreRegions: 0.5,
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
