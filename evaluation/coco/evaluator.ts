import { DataError } from '../../core/errors.js';
import { accumulateCoco, type CocoCurves } from './accumulate.js';
import { CocoMatcher, type CocoMatches } from './match.js';
import type { CocoGrid } from './grid.js';
import type { CocoDetections, CocoGroundTruth } from './objects.js';
import type { CocoParameters } from './parameters.js';
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
   * @throws DataError if an image came before, and as `CocoMatcher.match`
   */
  update(detections: CocoDetections): void {
    this.addMatches(this.matcher.match(detections));
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
      const merged = mergeMatches(this.portions, this.matcher);
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

function mergeMatches(portions: readonly CocoMatches[], matcher: CocoMatcher): CocoMatches {
  const { parameters, grid, numWords } = matcher;
  const wordsPerRow = parameters.areaRanges.length * numWords;
  const numRows = portions.reduce((sum, { images }) => sum + images.length, 0);
  const merged = {
    images: new Int32Array(numRows),
    categories: new Int32Array(numRows),
    scores: new Float64Array(numRows),
    ranks: new Int32Array(numRows),
    matched: new Uint32Array(numRows * wordsPerRow),
    ignored: new Uint32Array(numRows * wordsPerRow),
  };
  // Rows of one image and category stay together and in order: they come from one portion.
  const next = firstRows(portions, grid.imageIds.length);
  for (const portion of portions) {
    for (let row = 0; row < portion.images.length; row++) {
      const to = next(portion.categories[row], portion.images[row]);
      merged.images[to] = portion.images[row];
      merged.categories[to] = portion.categories[row];
      merged.scores[to] = portion.scores[row];
      merged.ranks[to] = portion.ranks[row];
      for (let w = 0; w < wordsPerRow; w++) {
        merged.matched[to * wordsPerRow + w] = portion.matched[row * wordsPerRow + w];
        merged.ignored[to * wordsPerRow + w] = portion.ignored[row * wordsPerRow + w];
      }
    }
  }
  return merged;
}

/** Numbers the rows of every cell consecutively, cells ordered by category and image. */
function firstRows(
  portions: readonly CocoMatches[],
  numImages: number,
): (category: number, image: number) => number {
  const sizes = new Map<number, number>();
  for (const { categories, images } of portions)
    for (let row = 0; row < images.length; row++) {
      const cell = categories[row] * numImages + images[row];
      sizes.set(cell, (sizes.get(cell) ?? 0) + 1);
    }
  const next = new Map<number, number>();
  let row = 0;
  for (const cell of Float64Array.from(sizes.keys()).sort()) {
    next.set(cell, row);
    row += sizes.get(cell) ?? 0;
  }
  return (category, image) => {
    const cell = category * numImages + image;
    const at = next.get(cell) ?? 0;
    next.set(cell, at + 1);
    return at;
  };
}
