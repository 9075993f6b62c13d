import { DataError } from '../../core/errors.js';
import { accumulateCoco, type CocoCurves } from './accumulate.js';
import { numCellCategories, type CocoGrid } from './grid.js';
import { CocoMatcher } from './match.js';
import { mergeMatches, type CocoMatches } from './match-rows.js';
import { assertBuilt, type CocoDetections, type CocoGroundTruth } from './objects.js';
import type { CocoParameters } from './parameters.js';
import type { ThreadShard } from './thread-shard.js';
import { federatedDetections, federatedGroundTruth } from './federated.js';
import {
  DETECTION_STATS,
  KEYPOINT_STATS,
  LVIS_STATS,
  summarizeCategories,
  summarizeCoco,
  summarizeLvis,
  type CategorySummary,
} from './summary.js';

/** Result of an evaluation. */
export interface CocoResult {
  readonly parameters: CocoParameters;
  /** 12 numbers, 10 for keypoints, or 13 of a federated set. */
  readonly stats: readonly number[];
  /** Names of `stats`: `DETECTION_STATS`, `KEYPOINT_STATS` or `LVIS_STATS`. */
  readonly statNames: readonly string[];
  readonly perCategory: readonly CategorySummary[];
  readonly curves: CocoCurves;
  readonly grid: CocoGrid;
  /** Sorted by category, image and score. */
  readonly matches: CocoMatches;
  /** `[K, A]`: numbers of ground truths that are not ignored. */
  readonly numGroundTruths: Int32Array;
  /** Indices into the grid's images and categories of the ground truths that count in the first area range. */
  readonly counted: { readonly images: Int32Array; readonly categories: Int32Array };
}

/**
 * Evaluates detections like the COCO API, or the API of LVIS if the ground truth is federated. Images may be added in any batches, each image with all its detections; masks
 * are kept only for the current batch. Images that are not added count as images without detections.
 *
 * @see https://github.com/cocodataset/cocoapi/blob/8c9bcc3/PythonAPI/pycocotools/cocoeval.py
 */
export class CocoEvaluator {
  readonly matcher: CocoMatcher;
  private readonly portions: CocoMatches[] = [];
  private readonly seen = new Set<number>();

  /** @throws ConfigError or DataError as `CocoMatcher` */
  constructor(groundTruth: CocoGroundTruth, parameters: CocoParameters) {
    assertBuilt('CocoEvaluator', groundTruth);
    const judged = groundTruth.federated ? federatedGroundTruth(groundTruth) : groundTruth;
    this.matcher = new CocoMatcher(judged, parameters);
  }

  /**
   * Matches all detections of some images.
   *
   * @param shard matches only the images of a shard
   * @throws DataError if an image was added before, and as `CocoMatcher.match`
   */
  update(detections: CocoDetections, shard?: ThreadShard): void {
    const { groundTruth, parameters } = this.matcher;
    const { federated } = groundTruth;
    const judged = federated
      ? federatedDetections(groundTruth, federated, detections, parameters)
      : detections;
    this.addMatches(this.matcher.match(judged, shard ? { shard } : {}));
  }

  /**
   * Merges the matches of another evaluator of the same ground truth and parameters.
   *
   * @throws DataError if an image was added before
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

  /** Computes the metrics of all detections so far. */
  finish(): CocoResult {
    const { parameters, grid, groundTruth } = this.matcher;
    const { federated } = groundTruth;
    const matches = this.matches();
    const numGroundTruths = this.matcher.countGroundTruths();
    const curves = accumulateCoco(matches, numGroundTruths, parameters);
    return {
      parameters,
      ...(federated
        ? { statNames: LVIS_STATS, stats: summarizeLvis(curves, grid, parameters, federated) }
        : { statNames: statNames(parameters), stats: summarizeCoco(curves, parameters) }),
      perCategory: summarizeCategories(curves, grid, parameters),
      curves,
      grid,
      matches,
      numGroundTruths,
      counted: this.matcher.countedGroundTruths(),
    };
  }
}

const statNames = ({ iouType }: CocoParameters): readonly string[] =>
  iouType === 'keypoints' ? KEYPOINT_STATS : DETECTION_STATS;
