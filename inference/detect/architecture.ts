import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { WeightsMismatchError } from '../../core/errors.js';
import { SOFT_DETECTION_NMS } from '../../core/nms-multiclass.js';
import type { BoxHeadLayers } from '../../heads/box/box-head.js';
import type { TensorMap, TensorSource } from '../../io/tensor.js';
import { CASCADE_MASK_RCNN, cascadeStages } from '../../models/cascade.js';
import {
  DETECTION_THRESHOLDS,
  type DetectionThresholds,
  type DetectorConfig,
} from '../../models/detection/config.js';
import { MASK_RCNN } from '../../models/mask-rcnn.js';
import { inferArchitecture } from '../../weights/architecture.js';
import { subtree } from '../../weights/select.js';
import { backboneConfig, countNames, shapeOf, takesBackbone } from '../state-dict.js';
import { trainingOf } from '../training-meta.js';

/** Architecture of a detector. */
export interface DetectorArchitecture {
  readonly backbone: ConvNeXtV2Config;
  readonly detector: DetectorConfig;
}

/** First parts of the names of an encoder, with or without a prefix. */
const ENCODER = /^(backbone|encoder|downsample_layers|stages|norm\d?)$/;

/**
 * Derives the architecture of a detector from tensors: one box stage means Mask R-CNN, several mean a cascade. Anchors
 * are those of Mask R-CNN unless a configuration in the file has others.
 *
 * @param tensors canonical names
 * @throws WeightsError if they are not those of a detector, or its anchors are of several sizes a level
 */
export function detectorOf(source: TensorSource, tensors: TensorMap): DetectorArchitecture {
  const { file } = source;
  const heads = subtree(tensors, 'roi_head');
  const parts = new Set([...tensors.keys()].map((name) => name.replace(/\..*/, '')));
  const isOther = [...parts].some((part) => !ENCODER.test(part));
  if (isOther && ![...heads.keys()].some((name) => name.startsWith('bbox_head.')))
    throw WeightsMismatchError.in(
      file,
      `expected a Faster, Mask or Cascade R-CNN (roi_head.bbox_head), got another detector (${[...parts].join(', ')}); ${takesBackbone(file)}`,
    );
  const numStages = countNames(heads, /^bbox_head\.\d+\.fc_cls\.weight$/);
  const first = subtree(heads, numStages > 0 ? 'bbox_head.0' : 'bbox_head');
  const size = (map: TensorMap, name: string, axis: number): number =>
    shapeOf(file, map, name, 'a detector')[axis];
  const channels = size(tensors, 'neck.lateral_convs.0.conv.weight', 0);
  const layers: BoxHeadLayers = {
    numConvs: countNames(first, /^shared_convs\.\d+\.conv\.weight$/),
    numFcs: countNames(first, /^shared_fcs\.\d+\.weight$/),
    fcChannels: size(first, 'shared_fcs.0.weight', 0),
  };
  const common = {
    numClasses: size(first, 'fc_cls.weight', 0) - 1,
    channels,
    masks: masksOf(heads),
  };
  const classAgnostic = size(first, 'fc_reg.weight', 0) === 4;
  const [stage] = MASK_RCNN.stages;
  const [cascadeStage] = CASCADE_MASK_RCNN.stages;
  const stages = cascadeStages({ layers, classAgnostic, boxLoss: cascadeStage.boxLoss });
  if (numStages > 0 && numStages !== stages.length)
    throw WeightsMismatchError.in(
      file,
      `expected a cascade of ${stages.length} box heads, got ${numStages}`,
    );
  const anchors = anchorsOf(source);
  const detector =
    numStages > 0
      ? { ...CASCADE_MASK_RCNN, ...common, rpn: { ...CASCADE_MASK_RCNN.rpn, anchors }, stages }
      : {
          ...MASK_RCNN,
          ...common,
          rpn: { ...MASK_RCNN.rpn, anchors },
          stages: [{ ...stage, layers, classAgnostic }],
        };
  return {
    backbone: backboneConfig(inferArchitecture(file, subtree(tensors, 'backbone'))),
    detector,
  };
}

/** Test setting of the checkpoint's configuration, else that of Mask R-CNN. */
export function thresholdsOf({
  detections = {},
}: ReturnType<typeof trainingOf>): DetectionThresholds {
  const { scoreThreshold, suppression, maxPerImage } = DETECTION_THRESHOLDS;
  const soft = SOFT_DETECTION_NMS.suppression;
  const { isSoft = false, iouThreshold = suppression.iouThreshold } = detections.suppression ?? {};
  return {
    scoreThreshold: detections.scoreThreshold ?? scoreThreshold,
    suppression: isSoft
      ? { ...soft, decay: { kind: 'linear', iouThreshold } }
      : { ...suppression, iouThreshold },
    maxPerImage: detections.maxPerImage ?? maxPerImage,
    maskThreshold: DETECTION_THRESHOLDS.maskThreshold,
  };
}

/** Anchors, which tensors do not show. */
function anchorsOf(source: TensorSource): DetectorConfig['rpn']['anchors'] {
  const { anchors } = MASK_RCNN.rpn;
  const {
    scales = [anchors.scale],
    ratios = anchors.ratios,
    strides = anchors.strides,
  } = trainingOf(source).anchors ?? {};
  const [scale] = scales;
  if (scales.length === 1 && strides.length === anchors.strides.length)
    return { scale, ratios, strides };
  throw WeightsMismatchError.in(
    source.file,
    `anchor_generator: expected one scale and ${anchors.strides.length} strides in its configuration, got ${scales.length} and ${strides.length}; ${takesBackbone(source.file)}`,
  );
}

function masksOf(heads: TensorMap): DetectorConfig['masks'] {
  const numConvs = countNames(heads, /^mask_head\.(0\.)?convs\.\d+\.conv\.weight$/);
  return numConvs > 0 ? { ...MASK_RCNN.masks, numConvs } : null;
}
