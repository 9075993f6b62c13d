import { assertList, assertObject } from '../../core/arguments.js';
import { ConfigError } from '../../core/errors.js';
import { orderByScore } from '../score-order.js';
import type { CocoResult } from './evaluator.js';
import { numWords } from './match-cell.js';

/** Precision, recall and F1 of one category as functions of the score threshold. */
interface ThresholdCurve {
  readonly categoryId: number;
  /** `[S]`, distinct scores, descending. */
  readonly scores: Float64Array;
  /** `[S]`, precision of the detections with at least that score. */
  readonly precision: Float64Array;
  /** `[S]`. */
  readonly recall: Float64Array;
  /** `[S]`. */
  readonly f1: Float64Array;
  /** Point of the highest F1; undefined without detections. */
  readonly best: CurvePoint | undefined;
}

export interface CurvePoint {
  readonly score: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/**
 * Computes the curve of every category with ground truth, over all areas and with the largest detection limit. Ignored
 * detections are skipped.
 *
 * @param iouThreshold one of the evaluated thresholds
 * @throws ConfigError for another threshold
 */
export function thresholdCurves(result: CocoResult, iouThreshold = 0.5): readonly ThresholdCurve[] {
  const expected = 'the result of a CocoEvaluator';
  assertObject('thresholdCurves', expected, result, 'parameters', 'matches', 'grid');
  const { parameters, matches, numGroundTruths, grid } = result;
  const t = parameters.iouThresholds.indexOf(iouThreshold);
  if (t < 0)
    throw new ConfigError(
      `thresholdCurves: expected one of the IoU thresholds ${parameters.iouThresholds.join(', ')}, got ${iouThreshold}`,
    );
  const A = parameters.areaRanges.length;
  const curves: ThresholdCurve[] = [];
  for (let k = 0, from = 0, to = 0; k < numGroundTruths.length / A; k++, from = to) {
    while (to < matches.categories.length && matches.categories[to] === k) to++;
    const total = numGroundTruths[k * A];
    if (total === 0) continue;
    const order = orderByScore(matches.scores.subarray(from, to)).map((i) => from + i);
    const points = curvePoints(result, { t, order, total });
    const list = (key: keyof CurvePoint): Float64Array =>
      Float64Array.from(points, (point) => point[key]);
    curves.push({
      categoryId: grid.pooled ? -1 : grid.categoryIds[k],
      scores: list('score'),
      precision: list('precision'),
      recall: list('recall'),
      f1: list('f1'),
      best: bestPoint(points),
    });
  }
  return curves;
}

/**
 * Points of the curve of some detections, one for each different score, over the first area range.
 *
 * @param rows threshold, rows of the detections by descending score, and the number of objects
 */
export function curvePoints(
  { matches, parameters }: CocoResult,
  { t, order, total }: { readonly t: number; readonly order: Uint32Array; readonly total: number },
): readonly CurvePoint[] {
  const wordsPerRow = parameters.areaRanges.length * numWords(parameters);
  const bit = 1 << (t & 31);
  const points: CurvePoint[] = [];
  let [numTrue, numFalse] = [0, 0];
  for (const row of order) {
    const at = row * wordsPerRow + (t >> 5);
    if (matches.ignored[at] & bit) continue;
    if (matches.matched[at] & bit) numTrue++;
    else numFalse++;
    const precision = numTrue / (numTrue + numFalse);
    const recall = numTrue / total;
    const f1 = (2 * numTrue) / (numTrue + numFalse + total);
    const score = matches.scores[row];
    if (points.at(-1)?.score === score) points.pop();
    points.push({ score, precision, recall, f1 });
  }
  return points;
}

/** The point of the highest F1, of equal ones that of the highest score; undefined without points. */
export function bestPoint(points: readonly CurvePoint[]): CurvePoint | undefined {
  return points.reduce<CurvePoint | undefined>(
    (best, point) => (best && best.f1 >= point.f1 ? best : point),
    undefined,
  );
}

/**
 * Computes the mean over categories at given scores, for a chart; a category without detections has precision 1 and
 * recall 0.
 *
 * @param scores `[S]`, any order
 */
export function meanCurve(
  curves: readonly ThresholdCurve[],
  scores: readonly number[],
): readonly CurvePoint[] {
  assertList('meanCurve', 'a list of curves', curves);
  assertList('meanCurve', 'a list of scores', scores);
  return scores.map((score) => {
    const at = curves.map((curve) => pointAt(curve, score));
    const mean = (key: keyof CurvePoint): number =>
      at.reduce((sum, point) => sum + point[key], 0) / at.length;
    return { score, precision: mean('precision'), recall: mean('recall'), f1: mean('f1') };
  });
}

/** Finds the point of the curve at the lowest score that is at least `score`. */
function pointAt(curve: ThresholdCurve, score: number): CurvePoint {
  let [low, high] = [0, curve.scores.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (curve.scores[middle] >= score) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return { score, precision: 1, recall: 0, f1: 0 };
  const i = low - 1;
  return { score, precision: curve.precision[i], recall: curve.recall[i], f1: curve.f1[i] };
}
