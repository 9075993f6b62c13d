import { assertObject } from '../../core/arguments.js';
import { matchImages, type ImageMatch, type ImageMatchOptions } from './match-images.js';
import { assertBuilt, type CocoDetections, type CocoGroundTruth } from './objects.js';

/** Confusion matrix of categories. */
interface DetectionConfusion {
  /** `[K]`, ascending: category id of index k; index K is the background. */
  readonly categoryIds: readonly number[];
  /** `[K + 1, K + 1]`, ground truth by prediction; background by background is 0. */
  readonly counts: Float64Array;
}

/**
 * Computes the confusion matrix of the detections above a score. The diagonal has the true positives of the
 * precision-recall curve at that score and threshold. The rest is matched across categories by descending IoU down to the
 * threshold; what remains is background. Detections matched to a crowd are ignored.
 *
 * @throws ConfigError for keypoints
 */
export function detectionConfusion(
  groundTruth: CocoGroundTruth,
  detections: CocoDetections,
  options: ImageMatchOptions,
): DetectionConfusion {
  assertBuilt('detectionConfusion', groundTruth);
  assertObject('detectionConfusion', 'detections of a builder', detections, 'scores');
  assertObject('detectionConfusion', 'an object of options', options);
  const categoryIds = groundTruth.categories.map(({ id }) => id).sort((a, b) => a - b);
  const indexOf = new Map(categoryIds.map((id, k) => [id, k]));
  const K = categoryIds.length;
  const counts = new Float64Array((K + 1) * (K + 1));
  const classOf = (id: number): number => indexOf.get(id) ?? K;

  matchImages(groundTruth, detections, options, (match) => {
    const { dts, gts, matchOf } = match;
    const partner = pairAcross(match, groundTruth, options.iouThreshold);
    for (let d = 0; d < dts.length; d++) {
      const column = classOf(detections.categoryOf[dts[d]]);
      const g = matchOf[d] >= 0 ? matchOf[d] : partner[d];
      if (g >= 0 && groundTruth.isCrowd[gts[g]]) continue;
      const row = g >= 0 ? classOf(groundTruth.categoryOf[gts[g]]) : K;
      counts[row * (K + 1) + column]++;
    }
    const paired = new Set([...matchOf, ...partner]);
    for (let g = 0; g < gts.length; g++)
      if (!paired.has(g) && !groundTruth.isCrowd[gts[g]])
        counts[classOf(groundTruth.categoryOf[gts[g]]) * (K + 1) + K]++;
  });
  return { categoryIds, counts };
}

/** Matches the unmatched detections and ground truths; `[D]`, index into `gts` or −1. */
function pairAcross(
  { dts, gts, ious, matchOf, matchedBy }: ImageMatch,
  groundTruth: CocoGroundTruth,
  threshold: number,
): Int32Array {
  const pairs: { d: number; g: number; iou: number }[] = [];
  for (let d = 0; d < dts.length; d++)
    for (let g = 0; g < gts.length; g++) {
      const iou = ious[d * gts.length + g];
      if (matchOf[d] < 0 && matchedBy[g] < 0 && !groundTruth.isCrowd[gts[g]] && iou >= threshold)
        pairs.push({ d, g, iou });
    }
  pairs.sort((a, b) => b.iou - a.iou); // stable: ties by higher score
  const partner = new Int32Array(dts.length).fill(-1);
  const taken = new Uint8Array(gts.length);
  for (const { d, g } of pairs) {
    if (partner[d] >= 0 || taken[g]) continue;
    partner[d] = g;
    taken[g] = 1;
  }
  return partner;
}
