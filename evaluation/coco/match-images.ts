import { ConfigError } from '../../core/errors.js';
import { CocoMatcher, type CellObserver } from './match.js';
import type { IouType } from '../../core/coco.js';
import type { CocoDetections, CocoGroundTruth } from './objects.js';
import { cocoParameters } from './parameters.js';

export interface ImageMatchOptions {
  readonly iouType: Exclude<IouType, 'keypoints'>;
  /** A detection that reaches it is right, if it names the category. */
  readonly iouThreshold: number;
  /** Detections below are left out. */
  readonly minScore?: number;
  /** Detections that count, an image and category. */
  readonly maxDetections?: number;
  /** The images to look at; all where left out. */
  readonly imageIds?: readonly number[];
}

/** The objects of one image with the IoUs of all pairs, whatever their categories. */
export interface ImageMatch {
  readonly imageId: number;
  /** `[D]`, positions of detections, by descending score. */
  readonly dts: Uint32Array;
  /** `[G]`, positions of ground truth. */
  readonly gts: Uint32Array;
  /** `[D, G]`. */
  readonly ious: Float64Array;
  /** `[D]`, index into `gts` of what the detection found in its own category, or −1. */
  readonly found: Int32Array;
  /** `[G]`, index into `dts` of what found it, or −1. */
  readonly foundBy: Int32Array;
}

/**
 * Visits images and matches detections to the ground truth of their own category as the COCO evaluation does at one
 * threshold over all areas, so that what is found are its true positives. Crowds can be found more than once.
 *
 * @throws ConfigError for keypoints, whose similarity is not one between categories
 */
export function matchImages(
  truth: CocoGroundTruth,
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
    truth,
    cocoParameters(iouType, {
      iouThresholds: [iouThreshold],
      maxDetections: [Number.MAX_SAFE_INTEGER],
      areaRanges: [{ name: 'all', min: -Infinity, max: Infinity }],
      useCategories: false,
      ...(options.imageIds ? { imageIds: options.imageIds } : {}),
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
      found: new Int32Array(kept.length).fill(-1),
      foundBy: new Int32Array(numGts).fill(-1),
    };
    matchOwnCategory(truth, detections, match, Math.min(iouThreshold, 1 - 1e-10));
    visit(match);
    return undefined;
  };
  matcher.match(detections, { observe });
}

function matchOwnCategory(
  truth: CocoGroundTruth,
  detections: CocoDetections,
  { dts, gts, ious, found, foundBy }: ImageMatch,
  threshold: number,
): void {
  for (let d = 0; d < dts.length; d++) {
    // What counts is preferred to crowds; of equal IoUs the later one wins.
    for (let crowd = 0; crowd <= 1 && found[d] < 0; crowd++) {
      let best = threshold;
      for (let g = 0; g < gts.length; g++) {
        if (truth.categoryOf[gts[g]] !== detections.categoryOf[dts[d]]) continue;
        if (truth.isCrowd[gts[g]] !== crowd || (!crowd && foundBy[g] >= 0)) continue;
        if (ious[d * gts.length + g] < best) continue;
        best = ious[d * gts.length + g];
        found[d] = g;
      }
    }
    if (found[d] >= 0) foundBy[found[d]] = d;
  }
}
