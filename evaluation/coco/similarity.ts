import { ConfigError, DataError } from '../../core/errors.js';
import { boxPairCover, boxPairIou } from '../../core/rle-iou.js';
import { maskSimilarity } from './mask-similarity.js';
import { keypointSimilarity } from './keypoint-similarity.js';
import type { CocoDetections, CocoGroundTruth, Similarity } from './objects.js';
import type { CocoParameters } from './parameters.js';

/** Creates the similarity for `parameters.iouType`. @throws DataError if one side lacks the compared field */
export function cocoSimilarity(
  groundTruth: CocoGroundTruth,
  detections: CocoDetections,
  parameters: CocoParameters,
): Similarity {
  const { iouType } = parameters;
  switch (iouType) {
    case 'bbox':
      return boxSimilarity(groundTruth, detections);
    case 'segm':
      return maskSimilarity(groundTruth, detections);
    case 'keypoints':
      return keypointSimilarity(groundTruth, detections, parameters.keypointSigmas);
    default:
      throw new ConfigError(
        `coco: expected bbox, segm or keypoints, got ${String(iouType satisfies never)}`,
      );
  }
}

function boxSimilarity(groundTruth: CocoGroundTruth, detections: CocoDetections): Similarity {
  const { boxes, areas } = detections;
  if (!boxes) throw new DataError('coco: expected boxes in the detections, got none');
  return {
    area: areas ? (d) => areas[d] : (d) => boxes[4 * d + 2] * boxes[4 * d + 3],
    fill(dts, gts, out) {
      for (let i = 0, at = 0; i < dts.length; i++)
        for (let j = 0; j < gts.length; j++, at++)
          out[at] = groundTruth.isCrowd[gts[j]]
            ? boxPairCover(boxes, 4 * dts[i], groundTruth.boxes, 4 * gts[j])
            : boxPairIou(boxes, 4 * dts[i], groundTruth.boxes, 4 * gts[j]);
    },
  };
}
