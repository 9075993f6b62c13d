import { ADE20K_GEOMETRY } from '../../datasets/transforms/segmentation-geometry.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import { PHOTOMETRIC } from '../../datasets/transforms/photometric.js';
import { UPERNET } from '../../models/upernet.js';
import type { SegmentationConfig } from '../segment/config.js';

/**
 * What the ADE20K recipes of all sizes share; the recipes are the files `ade20k-upernet-SIZE.ts`.
 *
 * Numbers: ConvNeXt's segmentation configurations (16 images a step, 160 000 steps, AdamW, weight decay 0.05, linear warm-up over 1500
 * steps from 1e-6, then linearly to 0, decay of GRN's scale and shift as of all parameters with several axes), which the V2 paper's
 * appendix A.4 repeats: batch 16, 160 000 steps, weight decay 0.05, 512 px. Batch norms there take their statistics over all 16 images
 * (SyncBN). On one machine that is `--set batchNormOver=step`: a third more computing and, for Tiny, 10 GiB instead of 5. Without, they take
 * them over the 2 images of a micro-batch, as many as a GPU had, and join them over the step for the running statistics. Eight ranks
 * share their batch norms: `mpiexec -n 8 … --set accumulation=1` is the original, too. The five scales of `--tta` are A.4's; V1 took six
 * from 0.5 to 1.75.
 *
 * @see https://github.com/facebookresearch/ConvNeXt/tree/main/semantic_segmentation
 */
export const ADE20K_UPERNET: Omit<
  SegmentationConfig,
  'backbone' | 'dropPathRate' | 'lr' | 'layers'
> = {
  task: 'segment',
  head: {
    channels: UPERNET.channels,
    poolScales: UPERNET.poolScales,
    auxiliary: UPERNET.auxiliary,
  },
  dropoutRate: 0.1,
  batchNormOver: 'ranks',
  batchNormMomentum: 0.1,
  pixels: IMAGENET_PIXELS,
  geometry: ADE20K_GEOMETRY,
  photometric: PHOTOMETRIC,
  evaluation: {
    limits: { long: 2048, short: 512 },
    window: { cropSize: 512, stride: 341 },
    ratios: [0.75, 0.875, 1, 1.125, 1.25],
  },
  slide: true,
  batchSize: 2,
  accumulation: 8,
  steps: 160_000,
  optimizer: { kind: 'adamw', betas: [0.9, 0.999], eps: 1e-8 },
  minLr: 0,
  power: 1,
  warmup: { steps: 1500, ratio: 1e-6 },
  weightDecay: 0.05,
  decayGrn: true,
  clipNorm: null,
  emaDecay: null,
  logEvery: 50,
  evaluateEverySteps: 16_000,
  checkpointEverySteps: 16_000,
  keepCheckpoints: 2,
  workers: 2,
};
