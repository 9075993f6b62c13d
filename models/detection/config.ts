import type { AnchorConfig } from '../../core/anchors.js';
import { PYRAMID_ANCHORS } from '../../core/anchors.js';
import type { BoxCoderConfig } from '../../core/box-coder.js';
import { RPN_CODER } from '../../core/box-coder.js';
import type { MatcherConfig } from '../../core/matcher.js';
import { RPN_MATCHER } from '../../core/matcher.js';
import type { MulticlassNmsOptions } from '../../core/nms-multiclass.js';
import { DETECTION_NMS } from '../../core/nms-multiclass.js';
import type { ProposalConfig } from '../../core/nms-proposals.js';
import { TEST_PROPOSALS, TRAIN_PROPOSALS } from '../../core/nms-proposals.js';
import type { SamplerConfig } from '../../core/sampler.js';
import { RPN_SAMPLER } from '../../core/sampler.js';
import type { BoxHeadLayers } from '../../heads/box/box-head.js';
import type { BoxLoss } from '../../heads/box/box-losses.js';

/** The region proposal network: its anchors, what it learns, and what it passes on. */
export interface RpnConfig {
  readonly anchors: AnchorConfig;
  /** See `usableAnchors`: −1 takes all, 0 those inside the image. */
  readonly allowedBorderPx: number;
  readonly matcher: MatcherConfig;
  readonly sampler: SamplerConfig;
  readonly coder: BoxCoderConfig;
  readonly boxLoss: Exclude<BoxLoss, { readonly kind: 'giou' }>;
  readonly trainProposals: ProposalConfig;
  readonly testProposals: ProposalConfig;
}

/** The RPN of Mask R-CNN. */
export const MASK_RCNN_RPN = {
  anchors: PYRAMID_ANCHORS,
  allowedBorderPx: -1,
  matcher: RPN_MATCHER,
  sampler: RPN_SAMPLER,
  coder: RPN_CODER,
  boxLoss: { kind: 'l1', weight: 1 },
  trainProposals: TRAIN_PROPOSALS,
  testProposals: TEST_PROPOSALS,
} as const satisfies RpnConfig;

/** A box head and how its targets are made. Mask R-CNN has one such stage, Cascade R-CNN three. */
export interface BoxStageConfig {
  readonly layers: BoxHeadLayers;
  readonly classAgnostic: boolean;
  readonly matcher: MatcherConfig;
  readonly sampler: SamplerConfig;
  readonly coder: BoxCoderConfig;
  readonly boxLoss: BoxLoss;
  /** Factor on all losses of the stage, those of its mask head included. */
  readonly weight: number;
}

/** What becomes a detection, and where a mask begins. */
export interface DetectionThresholds extends Omit<MulticlassNmsOptions, 'numClasses'> {
  /** A pixel belongs to an object from this probability on. */
  readonly maskThreshold: number;
}

/** The test setting of Mask R-CNN: score above 0.05, NMS at 0.5, the best 100, masks from ½. */
export const DETECTION_THRESHOLDS = {
  scoreThreshold: DETECTION_NMS.scoreThreshold,
  suppression: DETECTION_NMS.suppression,
  maxPerImage: DETECTION_NMS.maxPerImage,
  maskThreshold: 0.5,
} as const satisfies DetectionThresholds;

/** A two-stage detector, apart from its backbone. JSON-serialisable. */
export interface DetectorConfig {
  /** K, without background. */
  readonly numClasses: number;
  /** Channels of the pyramid and of the heads, 256. */
  readonly channels: number;
  readonly rpn: RpnConfig;
  /** Side of the features of a region for boxes, 7. */
  readonly boxRoiSize: number;
  readonly stages: readonly BoxStageConfig[];
  /** Null: boxes only. */
  readonly masks: {
    /** Side of the features of a region for masks, 14; masks have twice that. */
    readonly roiSize: number;
    readonly numConvs: number;
  } | null;
}
