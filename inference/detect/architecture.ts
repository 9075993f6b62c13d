import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { WeightsMismatchError } from '../../core/errors.js';
import type { BoxHeadLayers } from '../../heads/box/box-head.js';
import type { TensorMap } from '../../io/tensor.js';
import { CASCADE_MASK_RCNN, cascadeStages } from '../../models/cascade.js';
import type { DetectorConfig } from '../../models/detection/config.js';
import { MASK_RCNN } from '../../models/mask-rcnn.js';
import { inferArchitecture } from '../../weights/architecture.js';
import { subtree } from '../../weights/select.js';
import { backboneConfig, countNames, shapeOf } from '../state-dict.js';

/** Architecture of a detector. */
export interface DetectorArchitecture {
  readonly backbone: ConvNeXtV2Config;
  readonly detector: DetectorConfig;
}

/**
 * Derives the architecture of a detector from tensors: one box stage means Mask R-CNN, several mean a cascade.
 *
 * @param tensors canonical names
 * @throws WeightsError if they are not those of a detector
 */
export function detectorOf(file: string, tensors: TensorMap): DetectorArchitecture {
  const heads = subtree(tensors, 'roi_head');
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
  const detector =
    numStages > 0
      ? { ...CASCADE_MASK_RCNN, ...common, stages }
      : { ...MASK_RCNN, ...common, stages: [{ ...stage, layers, classAgnostic }] };
  return {
    backbone: backboneConfig(inferArchitecture(file, subtree(tensors, 'backbone'))),
    detector,
  };
}

function masksOf(heads: TensorMap): DetectorConfig['masks'] {
  const numConvs = countNames(heads, /^mask_head\.(0\.)?convs\.\d+\.conv\.weight$/);
  return numConvs > 0 ? { ...MASK_RCNN.masks, numConvs } : null;
}
