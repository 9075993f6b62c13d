import { matchImages, type ImageMatch, type ImageMatchOptions } from './match-images.js';
import type { CocoDetections, CocoGroundTruth } from './objects.js';

/** Which categories are taken for which. */
export interface DetectionConfusion {
  /** `[K]`, ascending: the category of index k; index K is the background. */
  readonly categoryIds: readonly number[];
  /** `[K + 1, K + 1]`, truth by prediction; background by background stays 0. */
  readonly counts: Float64Array;
}

/**
 * Confusion matrix of the detections from a score on. On the diagonal are the true positives of the precision-recall
 * curve at that score and threshold. What is left is paired across categories from the highest IoU down,
 * as long as that reaches the threshold; the rest is background. Detections that found a crowd do not count.
 *
 * @throws ConfigError for keypoints
 */
export function detectionConfusion(
  truth: CocoGroundTruth,
  detections: CocoDetections,
  options: ImageMatchOptions,
): DetectionConfusion {
  const categoryIds = truth.categories.map(({ id }) => id).sort((a, b) => a - b);
  const indexOf = new Map(categoryIds.map((id, k) => [id, k]));
  const K = categoryIds.length;
  const counts = new Float64Array((K + 1) * (K + 1));
  const classOf = (id: number): number => indexOf.get(id) ?? K;

  matchImages(truth, detections, options, (match) => {
    const { dts, gts, found } = match;
    const partner = pairAcross(match, truth, options.iouThreshold);
    for (let d = 0; d < dts.length; d++) {
      const column = classOf(detections.categoryOf[dts[d]]);
      const g = found[d] >= 0 ? found[d] : partner[d];
      if (g >= 0 && truth.isCrowd[gts[g]]) continue;
      const row = g >= 0 ? classOf(truth.categoryOf[gts[g]]) : K;
      counts[row * (K + 1) + column]++;
    }
    const paired = new Set([...found, ...partner]);
    for (let g = 0; g < gts.length; g++)
      if (!paired.has(g) && !truth.isCrowd[gts[g]])
        counts[classOf(truth.categoryOf[gts[g]]) * (K + 1) + K]++;
  });
  return { categoryIds, counts };
}

/** Pairs what is left on both sides; `[D]`, index into `gts` or −1. */
function pairAcross(
  { dts, gts, ious, found, foundBy }: ImageMatch,
  truth: CocoGroundTruth,
  threshold: number,
): Int32Array {
  const pairs: { d: number; g: number; iou: number }[] = [];
  for (let d = 0; d < dts.length; d++)
    for (let g = 0; g < gts.length; g++) {
      const iou = ious[d * gts.length + g];
      if (found[d] < 0 && foundBy[g] < 0 && !truth.isCrowd[gts[g]] && iou >= threshold)
        pairs.push({ d, g, iou });
    }
  pairs.sort((a, b) => b.iou - a.iou); // stable: of equal IoUs the higher score first
  const partner = new Int32Array(dts.length).fill(-1);
  const taken = new Uint8Array(gts.length);
  for (const { d, g } of pairs) {
    if (partner[d] >= 0 || taken[g]) continue;
    partner[d] = g;
    taken[g] = 1;
  }
  return partner;
}
