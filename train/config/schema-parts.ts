import type { ResponseForm } from '../../backbone/response-form.js';
import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import type { FcmaeConfig } from '../../backbone/fcmae.js';
import type { EvaluationResize } from '../../datasets/transforms/evaluation.js';
import type { ScaleLimits } from '../../datasets/transforms/keep-ratio.js';
import type { MixOptions } from '../../datasets/transforms/mix.js';
import type { PixelStats } from '../../datasets/transforms/normalize.js';
import type { PhotometricOptions } from '../../datasets/transforms/photometric.js';
import type { RandAugmentOptions } from '../../datasets/transforms/rand-augment.js';
import type { RandomErasingOptions } from '../../datasets/transforms/random-erasing.js';
import type { RandomResizedCropOptions } from '../../datasets/transforms/random-resized-crop.js';
import type { SegmentationGeometryOptions } from '../../datasets/transforms/segmentation-geometry.js';
import type { LayerRule } from '../parameter-groups.js';
import type { ClassificationTransform } from '../pipelines/classify.js';
import type { OptimizerConfig } from './loop.js';
import type { LinearWarmup } from '../schedule.js';
import { FLAG, SHARE, byKind, kind, list, number, oneOf, orNull, record, whole } from './schema.js';

/** Schemas of the parts that several tasks share. */

const FROM_0 = number({ from: 0 });
const ABOVE_0 = number({ above: 0 });
const PIXELS = whole(1);
const FILTER = oneOf('bicubic', 'bilinear');

const RESPONSE_FORM = byKind(
  record<Extract<ResponseForm, { kind: 'grn' }>>({
    kind: kind('grn'),
    aggregation: oneOf('one', 'average', 'l1', 'l2'),
    normalization: oneOf('none', 'standardize', 'inverseSum', 'share'),
    skip: FLAG,
  }),
  record<Extract<ResponseForm, { kind: 'lrn' }>>({ kind: kind('lrn') }),
  record<Extract<ResponseForm, { kind: 'batchNorm' }>>({ kind: kind('batchNorm') }),
  record<Extract<ResponseForm, { kind: 'layerNorm' }>>({ kind: kind('layerNorm') }),
);

export const BACKBONE = record<ConvNeXtV2Config>(
  {
    depths: list(whole(1), 4),
    dims: list(whole(1), 4),
    responseNorm: oneOf('grn', 'none'),
    responseForm: RESPONSE_FORM,
    initialWeights: oneOf('fanIn'),
  },
  ['responseForm', 'initialWeights'],
);

export const FCMAE = record<FcmaeConfig>({
  backbone: BACKBONE,
  decoder: record<FcmaeConfig['decoder']>({ channels: whole(1), depth: whole(0) }),
  patchSize: { type: 'integer', minimum: 32, multipleOf: 32 },
  maskRatio: number({ above: 0, to: 1 }),
  statistics: oneOf('sample', 'batch'),
  normPixLoss: FLAG,
});

export const PIXEL_STATS = record<PixelStats>({
  mean: list(number(), 3),
  std: list(ABOVE_0, 3),
});

export const OPTIMIZER = byKind(
  record<Extract<OptimizerConfig, { kind: 'adamw' }>>({
    kind: kind('adamw'),
    betas: list(SHARE, 2),
    eps: ABOVE_0,
  }),
  record<Extract<OptimizerConfig, { kind: 'sgd' }>>({
    kind: kind('sgd'),
    momentum: SHARE,
    nesterov: FLAG,
  }),
);

const DECAY = number({ above: 0, to: 1 });

export const LAYERS = byKind(
  record<Extract<LayerRule, { kind: 'uniform' }>>({ kind: kind('uniform') }),
  record<Extract<LayerRule, { kind: 'single' }>>({ kind: kind('single'), layerDecay: DECAY }),
  record<Extract<LayerRule, { kind: 'group' }>>({ kind: kind('group'), layerDecay: DECAY }),
  record<Extract<LayerRule, { kind: 'layerWise' }>>({
    kind: kind('layerWise'),
    layerDecay: DECAY,
    numLayers: whole(1),
  }),
  record<Extract<LayerRule, { kind: 'stageWise' }>>({
    kind: kind('stageWise'),
    layerDecay: DECAY,
    numLayers: whole(1),
  }),
);

export const WARMUP = record<LinearWarmup>({ steps: whole(0), ratio: SHARE });

export const LIMITS = record<ScaleLimits>({ long: PIXELS, short: PIXELS });

export const EVALUATION_RESIZE = record<EvaluationResize>({
  inputSize: PIXELS,
  cropFraction: number({ above: 0, to: 1 }),
  mode: oneOf('crop', 'warp'),
  filter: FILTER,
});

type Training = Extract<ClassificationTransform, { kind: 'training' }>;

export const CLASSIFICATION_TRANSFORM = byKind(
  record<Training>(
    {
      kind: kind('training'),
      inputSize: PIXELS,
      crop: record<RandomResizedCropOptions>({ scale: list(SHARE, 2), ratio: list(ABOVE_0, 2) }),
      filter: FILTER,
      flipProbability: SHARE,
      randAugment: record<RandAugmentOptions>({
        numOperations: whole(0),
        magnitude: number({ from: 0, to: 10 }),
        magnitudeStd: FROM_0,
        probability: SHARE,
      }),
      erasing: record<RandomErasingOptions>({
        probability: SHARE,
        area: list(SHARE, 2),
        aspect: list(ABOVE_0, 2),
      }),
      mix: record<MixOptions>({
        mixupAlpha: FROM_0,
        cutmixAlpha: FROM_0,
        probability: SHARE,
        switchProbability: SHARE,
      }),
    },
    ['randAugment', 'erasing', 'mix'],
  ),
  record<Extract<ClassificationTransform, { kind: 'evaluation' }>>({
    kind: kind('evaluation'),
    resize: EVALUATION_RESIZE,
  }),
);

export const SEGMENTATION_GEOMETRY = record<SegmentationGeometryOptions>({
  scale: LIMITS,
  ratio: list(ABOVE_0, 2),
  cropSize: PIXELS,
  categoryMaxRatio: SHARE,
  flipProbability: SHARE,
});

export const PHOTOMETRIC_SCHEMA = orNull(
  record<PhotometricOptions>({
    brightness: FROM_0,
    contrast: list(FROM_0, 2),
    saturation: list(FROM_0, 2),
    hue: FROM_0,
  }),
);

/** Fields that every task has under the same name. */
export const COMMON = {
  batchSize: whole(1),
  accumulation: whole(1),
  optimizer: OPTIMIZER,
  minLr: FROM_0,
  weightDecay: FROM_0,
  clipNorm: number({ above: 0, nullable: true }),
  logEvery: whole(1),
  keepCheckpoints: whole(1),
  workers: whole(0),
} as const;
