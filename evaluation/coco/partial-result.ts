import { assertObject } from '../../core/arguments.js';
import { ResultsError } from '../../core/errors.js';
import { sum } from '../../core/statistics.js';
import type { PartialResult } from '../../core/partial-result.js';
import { partialArrays } from '../partial-result.js';
import type { CocoEvaluator } from './evaluator.js';
import { numCellCategories } from './grid.js';
import type { CocoMatches } from './match-rows.js';

const ARRAYS = ['imageIds', 'categories', 'scores', 'ranks', 'matched', 'ignored'] as const;

/**
 * Encodes the matches of an evaluator as a partial result, for another evaluator of the same ground truth and parameters.
 */
export function cocoPartialResult(evaluator: CocoEvaluator): PartialResult {
  assertObject('cocoPartialResult', 'a CocoEvaluator', evaluator, 'matcher', 'matches');
  const { images, ...rest } = evaluator.matches();
  const { imageIds } = evaluator.matcher.grid;
  return {
    kind: 'coco',
    settings: settingsOf(evaluator),
    arrays: {
      imageIds: Float64Array.from(images, (image) => imageIds[image]),
      ...rest,
    },
  };
}

/**
 * Adds the partial result of another evaluator.
 *
 * @throws ConfigError for other ground truth or parameters
 * @throws DataError for an image that was added before, or arrays that do not fit
 */
export function addCocoPartialResult(evaluator: CocoEvaluator, partial: PartialResult): void {
  assertObject('addCocoPartialResult', 'a CocoEvaluator', evaluator, 'matcher', 'matches');
  assertObject('addCocoPartialResult', 'a partial result', partial, 'settings', 'arrays');
  const { grid, parameters, numWords } = evaluator.matcher;
  const arrays = partialArrays(partial, {
    kind: 'coco',
    settings: settingsOf(evaluator),
    arrays: ARRAYS,
  });
  const count = arrays.imageIds.length;
  const perRow = parameters.areaRanges.length * numWords;
  const numCategories = numCellCategories(grid);
  const fits =
    ['categories', 'scores', 'ranks'].every((name) => partial.arrays[name].length === count) &&
    ['matched', 'ignored'].every((name) => partial.arrays[name].length === count * perRow) &&
    arrays.categories.every((k) => k >= 0 && k < numCategories);
  if (!fits) throw new ResultsError('merge: expected the matches of a COCO evaluation, got others');
  const images = Int32Array.from(arrays.imageIds, (id) => {
    const image = grid.imageIndexOf.get(id);
    if (image === undefined)
      throw new ResultsError(`merge: expected a known image, got ${id}`, { id });
    return image;
  });
  evaluator.addMatches({
    images,
    categories: Int32Array.from(arrays.categories),
    scores: Float64Array.from(arrays.scores),
    ranks: Int32Array.from(arrays.ranks),
    matched: Uint32Array.from(arrays.matched),
    ignored: Uint32Array.from(arrays.ignored),
  } satisfies CocoMatches);
}

/**
 * Settings that partial results must have in common: parameters and ground truth, the latter identified by sizes and
 * sums.
 */
function settingsOf({ matcher: { parameters, groundTruth, grid } }: CocoEvaluator): unknown {
  return {
    ...parameters,
    imageIds: [grid.imageIds.length, sum(grid.imageIds)],
    categoryIds: [...grid.categoryIds],
    annotations: [groundTruth.ids.length, sum(groundTruth.ids), sum(groundTruth.areas)],
  };
}
