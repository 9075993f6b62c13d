import { AnchorConfig, PYRAMID_ANCHORS } from '../../core/anchors.js';
import { BoxCoderConfig, RPN_CODER } from '../../core/box-coder.js';
import { MatcherConfig, RPN_MATCHER } from '../../core/matcher.js';
import { MulticlassNmsOptions, DETECTION_NMS } from '../../core/nms-multiclass.js';
import { ProposalConfig, TEST_PROPOSALS, TRAIN_PROPOSALS } from '../../core/nms-proposals.js';
import { SamplerConfig, RPN_SAMPLER } from '../../core/sampler.js';
import * as t from '../../core/schema.js';
import { BoxHeadLayers } from '../../heads/box/box-head.js';
import { BoxLoss, DeltaLoss } from '../../heads/box/box-losses.js';

/** Configuration of the region proposal network: anchors, targets and proposals. */
export const RpnConfig = t.record({
  anchors: AnchorConfig,
  /** Border for `usableAnchors`: −1 takes all anchors, 0 those inside the image. */
  allowedBorderPx: t.number({ from: -1 }),
  matcher: MatcherConfig,
  sampler: SamplerConfig,
  coder: BoxCoderConfig,
  boxLoss: DeltaLoss,
  trainProposals: ProposalConfig,
  testProposals: ProposalConfig,
});
export type RpnConfig = t.Infer<typeof RpnConfig>;

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

/** Configuration of a stage: a box head and its targets. Mask R-CNN has one stage, Cascade R-CNN three. */
export const BoxStageConfig = t.record({
  layers: BoxHeadLayers,
  classAgnostic: t.FLAG,
  matcher: MatcherConfig,
  sampler: SamplerConfig,
  coder: BoxCoderConfig,
  boxLoss: BoxLoss,
  /** Weight of all losses of the stage, including those of its mask head. */
  weight: t.NON_NEGATIVE,
});
export type BoxStageConfig = t.Infer<typeof BoxStageConfig>;

/** Thresholds and suppression at test time. */
export const DetectionThresholds = t.extend(t.omit(MulticlassNmsOptions, 'numClasses'), {
  /** Smallest probability of mask pixels. */
  maskThreshold: t.FRACTION,
});
export type DetectionThresholds = t.Infer<typeof DetectionThresholds>;

/** Test setting of Mask R-CNN: score above 0.05, NMS at 0.5, the best 100, masks at ½. */
export const DETECTION_THRESHOLDS = {
  scoreThreshold: DETECTION_NMS.scoreThreshold,
  suppression: DETECTION_NMS.suppression,
  maxPerImage: DETECTION_NMS.maxPerImage,
  maskThreshold: 0.5,
} as const satisfies DetectionThresholds;

/** Configuration of a two-stage detector without its backbone. JSON-serializable. */
export const DetectorConfig = t.record({
  /** K, without background. */
  numClasses: t.whole(1, 2 ** 16),
  /** Number of channels of the pyramid and of the heads, 256. */
  channels: t.whole(1, 2 ** 14),
  rpn: RpnConfig,
  /** Side of the RoI features for boxes, 7. */
  boxRoiSize: t.whole(1, 256),
  stages: t.list(BoxStageConfig),
  /** Null for boxes only. */
  masks: t.orNull(
    t.record({
      /** Side of the RoI features for masks, 14; masks have twice that. */
      roiSize: t.whole(1, 256),
      numConvs: t.whole(0, 1024),
    }),
  ),
});
export type DetectorConfig = t.Infer<typeof DetectorConfig>;
