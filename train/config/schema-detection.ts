import type { AnchorConfig } from '../../core/anchors.js';
import type { BoxCoderConfig } from '../../core/box-coder.js';
import type { MatcherConfig } from '../../core/matcher.js';
import type { Suppression } from '../../core/nms-multiclass.js';
import type { ProposalConfig } from '../../core/nms-proposals.js';
import type { SoftNmsDecay } from '../../core/nms-soft.js';
import type { SamplerConfig } from '../../core/sampler.js';
import type {
  LargeScaleJitterOptions,
  MultiScaleOptions,
} from '../../datasets/transforms/detection-geometry.js';
import type { BoxHeadLayers } from '../../heads/box/box-head.js';
import type { BoxLoss } from '../../heads/box/box-losses.js';
import type {
  BoxStageConfig,
  DetectionThresholds,
  RpnConfig,
} from '../../models/detection/config.js';
import type { DetectionConfig, LearningRateDecay } from '../detect/config.js';
import type { DetectionTransform } from '../pipelines/detect.js';
import { FLAG, SHARE, byKind, kind, list, number, oneOf, orNull, record, whole } from './schema.js';
import { BACKBONE, COMMON, LAYERS, LIMITS, PIXEL_STATS, WARMUP } from './schema-parts.js';

/** The schema of a detector's training. */

const FROM_0 = number({ from: 0 });
const ABOVE_0 = number({ above: 0 });

const CODER = record<BoxCoderConfig>({ means: list(number(), 4), stds: list(ABOVE_0, 4) });

const MATCHER = record<MatcherConfig>({
  positiveIou: SHARE,
  negativeIou: SHARE,
  minPositiveIou: SHARE,
  lowQuality: FLAG,
  tieTolerance: FROM_0,
});

const SAMPLER = record<SamplerConfig>({ numSamples: whole(1), positiveFraction: SHARE });

const PROPOSALS = record<ProposalConfig>({
  numBeforeNms: whole(1),
  iouThreshold: SHARE,
  maxPerImage: whole(1),
  minSizePx: number({ from: -1 }),
  coder: CODER,
});

type LossOf<Kind> = Extract<BoxLoss, { readonly kind: Kind }>;
const L1 = record<LossOf<'l1'>>({ kind: kind('l1'), weight: FROM_0 });
const SMOOTH_L1 = record<LossOf<'smoothL1'>>({
  kind: kind('smoothL1'),
  beta: ABOVE_0,
  weight: FROM_0,
});
const GIOU = record<LossOf<'giou'>>({ kind: kind('giou'), weight: FROM_0 });

const RPN = record<RpnConfig>({
  anchors: record<AnchorConfig>({
    strides: list(whole(1)),
    scale: ABOVE_0,
    ratios: list(ABOVE_0),
  }),
  allowedBorderPx: number({ from: -1 }),
  matcher: MATCHER,
  sampler: SAMPLER,
  coder: CODER,
  boxLoss: byKind(L1, SMOOTH_L1),
  trainProposals: PROPOSALS,
  testProposals: PROPOSALS,
});

const STAGE = record<BoxStageConfig>({
  layers: record<BoxHeadLayers>({ numConvs: whole(0), numFcs: whole(1), fcChannels: whole(1) }),
  classAgnostic: FLAG,
  matcher: MATCHER,
  sampler: SAMPLER,
  coder: CODER,
  boxLoss: byKind(L1, SMOOTH_L1, GIOU),
  weight: FROM_0,
});

type SuppressionOf<Kind> = Extract<Suppression, { readonly kind: Kind }>;
type DecayOfNms<Kind> = Extract<SoftNmsDecay, { readonly kind: Kind }>;
const THRESHOLDS = record<DetectionThresholds>({
  scoreThreshold: SHARE,
  suppression: byKind(
    record<SuppressionOf<'hard'>>({ kind: kind('hard'), iouThreshold: SHARE }),
    record<SuppressionOf<'soft'>>({
      kind: kind('soft'),
      decay: byKind(
        record<DecayOfNms<'linear'>>({ kind: kind('linear'), iouThreshold: SHARE }),
        record<DecayOfNms<'gaussian'>>({ kind: kind('gaussian'), sigma: ABOVE_0 }),
      ),
      minScore: SHARE,
    }),
  ),
  maxPerImage: whole(1),
  maskThreshold: SHARE,
});

type TransformOf<Kind> = Extract<DetectionTransform, { readonly kind: Kind }>;
const SIDES = list(whole(1));
const OTHER_IMAGES = whole(0);
const TRANSFORM = byKind(
  record<TransformOf<'evaluation'>>({ kind: kind('evaluation'), limits: LIMITS }),
  record<TransformOf<'multiScale'>>(
    {
      kind: kind('multiScale'),
      scales: record<MultiScaleOptions>({
        shortSides: SIDES,
        longSide: whole(1),
        crop: record<MultiScaleOptions['crop']>({
          shortSides: SIDES,
          sides: list(whole(1), 2),
        }),
      }),
      flipProbability: SHARE,
      copyPaste: OTHER_IMAGES,
    },
    ['copyPaste'],
  ),
  record<TransformOf<'largeScaleJitter'>>(
    {
      kind: kind('largeScaleJitter'),
      jitter: record<LargeScaleJitterOptions>({ size: whole(1), scale: list(ABOVE_0, 2) }),
      flipProbability: SHARE,
      copyPaste: OTHER_IMAGES,
    },
    ['copyPaste'],
  ),
);

type DecayOf<Kind> = Extract<LearningRateDecay, { readonly kind: Kind }>;
const DECAY = byKind(
  record<DecayOf<'multiStep'>>({
    kind: kind('multiStep'),
    milestones: { type: 'array', items: FROM_0 },
    gamma: FROM_0,
  }),
  record<DecayOf<'poly'>>({ kind: kind('poly'), power: FROM_0, minLr: FROM_0 }),
);

const { minLr: _, ...common } = COMMON;

/** What the configuration of a detector's training may hold. */
export const DETECT = record<DetectionConfig>(
  {
    ...common,
    task: { const: 'detect' },
    backbone: BACKBONE,
    detector: record<DetectionConfig['detector']>({
      channels: whole(1),
      rpn: RPN,
      boxRoiSize: whole(1),
      stages: list(STAGE),
      masks: orNull(
        record<NonNullable<DetectionConfig['detector']['masks']>>({
          roiSize: whole(1),
          numConvs: whole(0),
        }),
      ),
    }),
    frozenStages: number({ from: 0, to: 4, whole: true }),
    dropPathRate: SHARE,
    batchNormOver: oneOf('microBatch', 'ranks'),
    pixels: PIXEL_STATS,
    training: TRANSFORM,
    evaluation: record<DetectionConfig['evaluation']>({ limits: LIMITS, thresholds: THRESHOLDS }),
    epochs: whole(1),
    lr: FROM_0,
    decay: DECAY,
    warmup: WARMUP,
    layers: LAYERS,
    decayGrn: FLAG,
    emaDecay: number({ above: 0, to: 1, nullable: true }),
    evaluateEvery: whole(1),
    checkpointEvery: whole(1),
  },
  ['batchNormOver'],
);
