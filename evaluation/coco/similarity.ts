import { ConfigError, DataError } from '../../core/errors.js';
import { boxPairCover, boxPairIou } from '../../core/rle-iou.js';
import { maskSimilarity } from './mask-similarity.js';
import { keypointSimilarity } from './keypoint-similarity.js';
import type { CocoDetections, CocoGroundTruth } from './objects.js';
import type { CocoParameters } from './parameters.js';

/** How well the detections and the ground truth of a cell fit. */
export interface Similarity {
  /**
   * Writes the `[D, G]` similarities of a cell.
   *
   * @param dts `[D]` positions of detections
   * @param gts `[G]` positions of ground truth
   * @param out room for `D · G` numbers
   */
  fill(dts: Uint32Array, gts: Uint32Array, out: Float64Array): void;
  /** Area of detection `d` in square pixels. */
  area(d: number): number;
}

/** The similarity that `parameters.iouType` names. @throws DataError if one side lacks what it compares */
export function cocoSimilarity(
  truth: CocoGroundTruth,
  detections: CocoDetections,
  parameters: CocoParameters,
): Similarity {
  const { iouType } = parameters;
  switch (iouType) {
    case 'bbox':
      return boxSimilarity(truth, detections);
    case 'segm':
      return maskSimilarity(truth, detections);
    case 'keypoints':
      return keypointSimilarity(truth, detections, parameters.keypointSigmas);
    default:
      throw new ConfigError(
        `coco: expected bbox, segm or keypoints, got ${String(iouType satisfies never)}`,
      );
  }
}

function boxSimilarity(truth: CocoGroundTruth, detections: CocoDetections): Similarity {
  const { boxes, areas } = detections;
  if (!boxes) throw new DataError('coco: expected boxes in the detections, got none');
  return {
    area: areas ? (d) => areas[d] : (d) => boxes[4 * d + 2] * boxes[4 * d + 3],
    fill(dts, gts, out) {
      for (let i = 0, at = 0; i < dts.length; i++)
        for (let j = 0; j < gts.length; j++, at++)
          out[at] = truth.isCrowd[gts[j]]
            ? boxPairCover(boxes, 4 * dts[i], truth.boxes, 4 * gts[j])
            : boxPairIou(boxes, 4 * dts[i], truth.boxes, 4 * gts[j]);
    },
  };
}
