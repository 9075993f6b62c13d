import { VARIANTS } from '../../backbone/variants.js';
import type { SegmentationConfig } from '../config/segment.js';
import { ADE20K_UPERNET } from './ade20k-upernet.js';

/**
 * Segmentation of a user's own images: `images/`, `labels/` (PNG, 255 ignored) and `classes.txt`.
 *
 *     convnextv2 train segment-finetune --data DIR --weights atto.fcmae_ft_in1k --out RUN
 *
 * Numbers: optimizer, weight decay, layer decay, losses and augmentation as on ADE20K. Ours, for tens to thousands of
 * images on a CPU: head of 128 channels, 256 px crops of images with a short side of about 256 px, batch 4, rate 1e-3
 * over 800 steps with 50 of warm-up, clipping, no drop path and whole-image validation.
 *
 * Overfitting a few images from scratch: no augmentation, and the full rate in the backbone, too:
 *
 *     convnextv2 train segment-finetune --data DIR --out RUN --set photometric=null --set geometry.ratio=[1,1] \
 *       --set geometry.flipProbability=0 --set dropoutRate=0 --set layers.layerDecay=1 --set weightDecay=0.01 \
 *       --set warmup.steps=30 --set steps=900
 *
 * Expected on nine images of ADE20K, after 9:20 minutes on two cores: pixel accuracy 0.966 and mIoU 0.701 over the 56
 * classes of their labels. `eval RUN` uses the checkpoint with the best validation score; the numbers are those of the
 * last one:
 *
 *     convnextv2 eval RUN/checkpoints/step-00000900.safetensors --data DIR --split train --slide
 */
export const SEGMENT_FINETUNE: SegmentationConfig = {
  ...ADE20K_UPERNET,
  backbone: VARIANTS.atto,
  head: { ...ADE20K_UPERNET.head, channels: 128, auxiliary: { channels: 64, weight: 0.4 } },
  dropPathRate: 0,
  geometry: {
    ...ADE20K_UPERNET.geometry,
    scale: { long: 1024, short: 256 },
    cropSize: 256,
  },
  evaluation: {
    limits: { long: 1024, short: 256 },
    window: { cropSize: 256, stride: 170 },
    ratios: [0.75, 1, 1.25],
  },
  slide: false,
  batchSize: 4,
  accumulation: 1,
  steps: 800,
  lr: 1e-3,
  warmup: { steps: 50, ratio: 1e-3 },
  layers: { kind: 'stageWise', layerDecay: 0.9, numLayers: 6 },
  clipNorm: 5,
  logEvery: 10,
  evaluateEverySteps: 200,
  checkpointEverySteps: 200,
};

/**
 * A small segmenter from scratch, for tens to thousands of images with label maps: minutes on a CPU.
 *
 *     convnextv2 train segment --data DIR --out RUN
 *
 * Numbers: those of `segment-finetune` and a Dice term of weight 1, which gained 3 and 6 points of mIoU in two seeds on 60 pictures
 * of two classes; one learning rate for all layers did not help: docs/little-data.md. A run by the name of the recipe takes the
 * size of the input from the images (`train/segment/fit-settings.ts`).
 */
export const SEGMENT: SegmentationConfig = { ...SEGMENT_FINETUNE, loss: { diceWeight: 1 } };
