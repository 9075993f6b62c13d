import type { ClassificationConfig } from '../classify/config.js';
import type { PretrainingConfig } from '../pretrain/config.js';
import type { RecipeConfig } from '../recipes/index.js';
import type { SegmentationConfig, SegmentationViewing } from '../segment/config.js';
import { DETECT } from './schema-detection.js';
import type { Schema } from './schema.js';
import { FLAG, SHARE, list, number, oneOf, record, whole } from './schema.js';
import {
  BACKBONE,
  CLASSIFICATION_TRANSFORM,
  COMMON,
  EVALUATION_RESIZE,
  FCMAE,
  LAYERS,
  LIMITS,
  PHOTOMETRIC_SCHEMA,
  PIXEL_STATS,
  SEGMENTATION_GEOMETRY,
  WARMUP,
} from './schema-parts.js';

const LR = number({ from: 0 });
const EMA = number({ above: 0, to: 1, nullable: true });
const EPOCHS = number({ above: 0 });

const CLASSIFY = record<ClassificationConfig>(
  {
    ...COMMON,
    task: { const: 'classify' },
    backbone: BACKBONE,
    headInitScale: number({ from: 0 }),
    adaptsResponseNorm: FLAG,
    dropPathRate: SHARE,
    labelSmoothing: SHARE,
    pixels: PIXEL_STATS,
    training: CLASSIFICATION_TRANSFORM,
    evaluation: EVALUATION_RESIZE,
    epochs: EPOCHS,
    lr: LR,
    warmupEpochs: number({ from: 0 }),
    layers: LAYERS,
    decayGrn: FLAG,
    emaDecay: EMA,
    evaluateEvery: whole(1),
    checkpointEvery: whole(1),
  },
  ['adaptsResponseNorm'],
);

const SEGMENT = record<SegmentationConfig>({
  ...COMMON,
  task: { const: 'segment' },
  backbone: BACKBONE,
  head: record<SegmentationConfig['head']>({
    channels: whole(1),
    poolScales: list(whole(1)),
    auxiliary: record<SegmentationConfig['head']['auxiliary']>({
      channels: whole(1),
      weight: number({ from: 0 }),
    }),
  }),
  dropoutRate: SHARE,
  dropPathRate: SHARE,
  batchNormOver: oneOf('microBatch', 'ranks', 'step'),
  batchNormMomentum: SHARE,
  pixels: PIXEL_STATS,
  geometry: SEGMENTATION_GEOMETRY,
  photometric: PHOTOMETRIC_SCHEMA,
  evaluation: record<SegmentationViewing>({
    limits: LIMITS,
    window: record<SegmentationViewing['window']>({ cropSize: whole(1), stride: whole(1) }),
    ratios: list(number({ above: 0 })),
  }),
  slide: FLAG,
  steps: whole(1),
  lr: LR,
  power: number({ from: 0 }),
  warmup: WARMUP,
  layers: LAYERS,
  decayGrn: FLAG,
  emaDecay: EMA,
  evaluateEverySteps: whole(1),
  checkpointEverySteps: whole(1),
});

const PRETRAIN = record<PretrainingConfig>({
  ...COMMON,
  task: { const: 'pretrain' },
  fcmae: FCMAE,
  pixels: PIXEL_STATS,
  training: CLASSIFICATION_TRANSFORM,
  evaluation: EVALUATION_RESIZE,
  epochs: EPOCHS,
  baseLr: LR,
  warmupEpochs: number({ from: 0 }),
  evaluateEvery: whole(1),
  checkpointEvery: whole(1),
  numPictures: whole(0),
});

/** What the configuration of a task may hold. */
export const SCHEMAS: Readonly<Record<RecipeConfig['task'], Schema>> = {
  classify: CLASSIFY,
  detect: DETECT,
  segment: SEGMENT,
  pretrain: PRETRAIN,
};
