import { DataError } from '../../core/errors.js';
import { accumulateCoco, type CocoCurves } from './accumulate.js';
import { numCellCategories, type CocoGrid } from './grid.js';
import { CocoMatcher } from './match.js';
import { mergeMatches, type CocoMatches } from './match-rows.js';
import type { CocoDetections, CocoGroundTruth } from './objects.js';
import type { CocoParameters } from './parameters.js';
import type { ImageShard } from './shard.js';
import { summarizeCategories, summarizeCoco, type CategorySummary } from './summary.js';

/** A finished evaluation. */
export interface CocoResult {
  readonly parameters: CocoParameters;
  /** 12 numbers, or 10 for keypoints, as `DETECTION_STATS` and `KEYPOINT_STATS` name them. */
  readonly stats: readonly number[];
  readonly perCategory: readonly CategorySummary[];
  readonly curves: CocoCurves;
  readonly grid: CocoGrid;
  /** Sorted by category, image and score. */
  readonly matches: CocoMatches;
  /** `[K, A]`: ground truth that counts. */
  readonly numTruth: Int32Array;
}

/**
 * Evaluates detections as the COCO API does. Images may come in any portions, each with all of its detections;
 * masks are not kept beyond the portion. Images that never come count as images without detections.
 *
 * @see https://github.com/cocodataset/cocoapi/blob/8c9bcc3/PythonAPI/pycocotools/cocoeval.py
 */
export class CocoEvaluator {
  readonly matcher: CocoMatcher;
  private readonly portions: CocoMatches[] = [];
  private readonly seen = new Set<number>();

  /** @throws ConfigError or DataError as `CocoMatcher` */
  constructor(truth: CocoGroundTruth, parameters: CocoParameters) {
    this.matcher = new CocoMatcher(truth, parameters);
  }

  /**
   * Matches all detections of some images.
   *
   * @param shard matches only those of a share of the images
   * @throws DataError if an image came before, and as `CocoMatcher.match`
   */
  update(detections: CocoDetections, shard?: ImageShard): void {
    this.addMatches(this.matcher.match(detections, shard ? { shard } : {}));
  }

  /**
   * Takes in what another evaluator of the same ground truth and parameters has matched.
   *
   * @throws DataError if an image came before
   */
  addMatches(matches: CocoMatches): void {
    const images = new Set(matches.images);
    for (const image of images) {
      if (!this.seen.has(image)) continue;
      const id = this.matcher.grid.imageIds[image];
      throw new DataError(
        `coco: expected all detections of image ${id} at once, got some of them before`,
        { id },
      );
    }
    for (const image of images) this.seen.add(image);
    this.portions.push(matches);
  }

  /** All matches so far, sorted by category, image and score. */
  matches(): CocoMatches {
    if (this.portions.length !== 1) {
      const { grid, parameters, numWords } = this.matcher;
      const merged = mergeMatches(this.portions, {
        numImages: grid.imageIds.length,
        numCategories: numCellCategories(grid),
        wordsPerRow: parameters.areaRanges.length * numWords,
      });
      this.portions.length = 0;
      this.portions.push(merged);
    }
    return this.portions[0];
  }

  finish(): CocoResult {
    const { parameters, grid } = this.matcher;
    const matches = this.matches();
    const numTruth = this.matcher.countTruth();
    const curves = accumulateCoco(matches, numTruth, parameters);
    return {
      parameters,
      stats: summarizeCoco(curves, parameters),
      perCategory: summarizeCategories(curves, grid, parameters),
      curves,
      grid,
      matches,
      numTruth,
    };
  }
}
