import { ConfigError } from '../../core/errors.js';
import { CocoMatcher, type CellObserver } from './match.js';
import type { IouType } from '../../core/coco.js';
import type { CocoDetections, CocoGroundTruth } from './objects.js';
import { cocoParameters } from './parameters.js';

export interface ImageMatchOptions {
  readonly iouType: Exclude<IouType, 'keypoints'>;
  /** Smallest IoU of a correct detection of the category. */
  readonly iouThreshold: number;
  /** Smallest score of detections. */
  readonly minScore?: number | undefined;
  /** Largest number of detections per image and category. */
  readonly maxDetections?: number | undefined;
  /** Images to visit; default: all. */
  readonly imageIds?: readonly number[] | undefined;
}

/** Objects of one image with the IoUs of all pairs, across categories. */
export interface ImageMatch {
  readonly imageId: number;
  /** `[D]`, positions of detections, by descending score. */
  readonly dts: Uint32Array;
  /** `[G]`, positions of ground truth. */
  readonly gts: Uint32Array;
  /** `[D, G]`. */
  readonly ious: Float64Array;
  /** `[D]`, index into `gts` of the match within the category, or −1. */
  readonly matchOf: Int32Array;
  /** `[G]`, index into `dts` of the match, or −1. */
  readonly matchedBy: Int32Array;
}

/**
 * Visits images and matches detections to the ground truth of their category, as the COCO evaluation does at one
 * threshold over all areas, so that matches are its true positives. Crowds can be matched repeatedly.
 *
 * @throws ConfigError for keypoints, whose similarity is not defined between categories
 */
export function matchImages(
  groundTruth: CocoGroundTruth,
  detections: CocoDetections,
  options: ImageMatchOptions,
  visit: (match: ImageMatch) => void,
): void {
  const { iouType, iouThreshold, minScore = -Infinity, maxDetections = 100 } = options;
  if ((iouType as IouType) === 'keypoints')
    throw new ConfigError(
      'coco: expected boxes or masks to compare between categories, got keypoints',
    );
  const matcher = new CocoMatcher(
    groundTruth,
    cocoParameters(iouType, {
      iouThresholds: [iouThreshold],
      maxDetections: [Number.MAX_SAFE_INTEGER],
      areaRanges: [{ name: 'all', min: -Infinity, max: Infinity }],
      useCategories: false,
      imageIds: options.imageIds,
    }),
  );
  const observe: CellObserver = (cell) => {
    const numGts = cell.gts.length;
    const ranks = new Map<number, number>();
    const kept = Array.from(cell.dts.keys()).filter((d) => {
      const category = detections.categoryOf[cell.dts[d]];
      const rank = ranks.get(category) ?? 0;
      ranks.set(category, rank + 1);
      return rank < maxDetections && detections.scores[cell.dts[d]] >= minScore;
    });
    const ious = new Float64Array(kept.length * numGts); // [D, G]
    kept.forEach((d, i) => ious.set(cell.ious.subarray(d * numGts, (d + 1) * numGts), i * numGts));
    const match = {
      imageId: matcher.grid.imageIds[cell.image],
      dts: Uint32Array.from(kept, (d) => cell.dts[d]),
      gts: cell.gts,
      ious,
      matchOf: new Int32Array(kept.length).fill(-1),
      matchedBy: new Int32Array(numGts).fill(-1),
    };
    matchOwnCategory(groundTruth, detections, match, Math.min(iouThreshold, 1 - 1e-10));
    visit(match);
    return undefined;
  };
  matcher.match(detections, { observe });
}

function matchOwnCategory(
  groundTruth: CocoGroundTruth,
  detections: CocoDetections,
  { dts, gts, ious, matchOf, matchedBy }: ImageMatch,
  threshold: number,
): void {
  for (let d = 0; d < dts.length; d++) {
    // Ground truth that is not ignored takes precedence over crowds; ties go to the later one.
    for (let crowd = 0; crowd <= 1 && matchOf[d] < 0; crowd++) {
      let best = threshold;
      for (let g = 0; g < gts.length; g++) {
        if (groundTruth.categoryOf[gts[g]] !== detections.categoryOf[dts[d]]) continue;
        if (groundTruth.isCrowd[gts[g]] !== crowd || (!crowd && matchedBy[g] >= 0)) continue;
        if (ious[d * gts.length + g] < best) continue;
        best = ious[d * gts.length + g];
        matchOf[d] = g;
      }
    }
    if (matchOf[d] >= 0) matchedBy[matchOf[d]] = d;
  }
}
