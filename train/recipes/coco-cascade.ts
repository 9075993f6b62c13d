import { VARIANTS, type VariantName } from '../../backbone/variants.js';
import { MULTI_SCALE } from '../../datasets/transforms/detection-geometry.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import { CASCADE_MASK_RCNN } from '../../models/cascade.js';
import { DETECTION_THRESHOLDS } from '../../models/detection/config.js';
import type { DetectionConfig } from '../config/detect.js';

const { numClasses: _, ...detector } = CASCADE_MASK_RCNN;

/** Settings of all sizes: those of ConvNeXt V1, except that GRN's scale and shift do not decay. */
const BASE: Omit<DetectionConfig, 'backbone' | 'dropPathRate' | 'lr' | 'layers'> = {
  task: 'detect',
  detector,
  batchNormOver: 'ranks',
  frozenStages: 0,
  pixels: IMAGENET_PIXELS,
  training: { kind: 'multiScale', scales: MULTI_SCALE, flipProbability: 0.5 },
  evaluation: { limits: { long: 1333, short: 800 }, thresholds: DETECTION_THRESHOLDS },
  batchSize: 2,
  accumulation: 8,
  epochs: 36,
  optimizer: { kind: 'adamw', betas: [0.9, 0.999], eps: 1e-8 },
  decay: { kind: 'multiStep', milestones: [27, 33], gamma: 0.1 },
  warmup: { steps: 500, ratio: 0.001 },
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

/** Rate, drop path and layer-wise decay by size; expected: box AP and mask AP of the source. */
const TABLE = [
  ['tiny', { lr: 2e-4, dropPath: 0.4, decay: 0.7, layers: 6, from: 'V1-Tiny: 50.4, 43.7' }],
  ['base', { lr: 2e-4, dropPath: 0.7, decay: 0.8, layers: 12, from: 'V1-Base: 52.7, 45.6' }],
  ['large', { lr: 1e-4, dropPath: 0.7, decay: 0.7, layers: 12, from: 'V1-Large: 54.8, 47.6' }],
  ['huge', { lr: 1e-4, dropPath: 0.8, decay: 0.7, layers: 12, from: 'V1-XLarge: 55.2, 47.7' }],
] as const satisfies readonly (readonly [VariantName, object])[];

/**
 * Cascade Mask R-CNN on COCO: `coco-cascade-tiny` … `coco-cascade-huge`.
 *
 *     convnextv2 train coco-cascade-tiny --data DIR --weights tiny.fcmae_ft_in1k --out RUN
 *
 * Numbers: ConvNeXt V1's Cascade configurations: heads of four convolutions with batch norm and one fully connected
 * layer, GIoU with weight 10 on decoded boxes, multi-scale training. The original's batch norms use the statistics of the
 * RoIs of all 16 images (SyncBN), as eight ranks do here: `mpiexec -n 8 … --set accumulation=1`. On fewer ranks they use
 * those of a micro-batch of 2 images on each rank. Expected: no V2 result is published; the table has V1's; Large and
 * XLarge of V1 (it has no Huge) started from ImageNet-22K weights.
 *
 * @see https://github.com/facebookresearch/ConvNeXt/tree/main/object_detection/configs/convnext
 */
export const COCO_CASCADE_RECIPES: Readonly<Record<string, DetectionConfig>> = Object.fromEntries(
  TABLE.map(([size, { lr, dropPath, decay, layers }]) => [
    `coco-cascade-${size}`,
    {
      ...BASE,
      backbone: VARIANTS[size],
      dropPathRate: dropPath,
      lr,
      layers: { kind: 'layerWise', layerDecay: decay, numLayers: layers },
    },
  ]),
);
