import { orderByScore } from '../score-order.js';
import { thresholdBits } from './match-cell.js';
import { pickRows, type CocoMatches } from './match-rows.js';
import type { CocoParameters } from './parameters.js';

/** Precision and score at the recall points, and the maximal recall; −1 without ground truth. */
export interface CocoCurves {
  /** Thresholds, recall points, categories, area ranges, detection limits. */
  readonly shape: readonly [T: number, R: number, K: number, A: number, M: number];
  /** `[T, R, K, A, M]`. */
  readonly precision: Float64Array;
  /** `[T, K, A, M]`. */
  readonly recall: Float64Array;
  /** `[T, R, K, A, M]`. */
  readonly scores: Float64Array;
}

/** `numpy.spacing(1)`, which prevents 0/0 in the first precision. */
const EPSILON = 2 ** -52;

/**
 * Computes precision-recall curves from matches. The precision at a recall is the maximum from there on, which is always
 * at a true positive, so a curve needs only the true positives.
 *
 * @param matches rows sorted by category, image and score
 * @param numGroundTruths `[K, A]`, numbers of ground truths that are not ignored
 */
export function accumulateCoco(
  matches: CocoMatches,
  numGroundTruths: Int32Array,
  parameters: CocoParameters,
): CocoCurves {
  const { iouThresholds, recallPoints, maxDetections, areaRanges } = parameters;
  const [T, R, A, M] = [iouThresholds, recallPoints, areaRanges, maxDetections].map(
    (l) => l.length,
  );
  const K = numGroundTruths.length / A;
  const curves: CocoCurves = {
    shape: [T, R, K, A, M],
    precision: new Float64Array(T * R * K * A * M).fill(-1),
    recall: new Float64Array(T * K * A * M).fill(-1),
    scores: new Float64Array(T * R * K * A * M).fill(-1),
  };
  for (let k = 0, from = 0, to = 0; k < K; k++, from = to) {
    while (to < matches.categories.length && matches.categories[to] === k) to++;
    // The rows are read many times, which is faster in order.
    const order = orderByScore(matches.scores.subarray(from, to)).map((i) => from + i);
    const rows = pickRows(matches, order);
    const highestRank = rows.ranks.reduce((highest, rank) => Math.max(highest, rank), -1);
    for (let a = 0; a < A; a++) {
      const total = numGroundTruths[k * A + a];
      if (total === 0) continue;
      for (let m = 0; m < M; m++) {
        if (m > 0 && highestRank < maxDetections[m - 1]) {
          copyCurves(curves, { k, a, m });
          continue;
        }
        const walk = walkTruePositives(rows, { a, A, T, limit: maxDetections[m], total });
        for (let t = 0; t < T; t++) fillCurve(curves, walk, { t, k, a, m, total }, recallPoints);
      }
    }
  }
  return curves;
}

/** Copies the curves of a detection limit that is never reached to the next larger limit. */
function copyCurves(
  { shape: [T, R, K, A, M], precision, recall, scores }: CocoCurves,
  { k, a, m }: { k: number; a: number; m: number },
): void {
  for (let t = 0; t < T; t++) {
    const at = ((t * K + k) * A + a) * M + m;
    recall[at] = recall[at - 1];
    for (let r = 0; r < R; r++) {
      const point = (((t * R + r) * K + k) * A + a) * M + m;
      precision[point] = precision[point - 1];
      scores[point] = scores[point - 1];
    }
  }
}

/** True positives of a category at every threshold, in order of score. */
interface Walk {
  readonly numDetections: number;
  readonly firstScore: number;
  /** Upper bound of true positives, the row length of the lists below. */
  readonly stride: number;
  /** `[T]`. */
  readonly numTrue: Int32Array;
  /** `[T, stride]`: precision at the true positive. */
  readonly precision: Float64Array;
  /** `[T, stride]`. */
  readonly scores: Float64Array;
}

function walkTruePositives(
  { matched, ignored, ranks, scores }: CocoMatches,
  at: { a: number; A: number; T: number; limit: number; total: number },
): Walk {
  const { a, A, T, limit, total } = at;
  const words = Math.ceil(T / 32);
  const all = thresholdBits(T);
  const numTrue = new Int32Array(T);
  const numFalse = new Int32Array(T);
  // With ids ≤ 0 a ground truth can be matched more than once, so `total` is not a bound.
  let stride = Math.min(total, scores.length);
  let precision: Float64Array = new Float64Array(T * stride);
  let scoresOf: Float64Array = new Float64Array(T * stride);
  let numDetections = 0;
  let firstScore = 0;
  let falseEverywhere = 0;
  for (let row = 0; row < scores.length; row++) {
    if (ranks[row] >= limit) continue;
    if (numDetections++ === 0) firstScore = scores[row];
    const first = (row * A + a) * words;
    let some = 0;
    let counted = 0;
    for (let w = 0; w < words; w++) {
      some |= matched[first + w] | ignored[first + w];
      counted |= ~ignored[first + w] & all[w];
    }
    if (some === 0) falseEverywhere++;
    if (some === 0 || counted === 0) continue;
    for (let t = 0; t < T; t++) {
      const bit = 1 << (t & 31);
      if (ignored[first + (t >> 5)] & bit) continue;
      if (!(matched[first + (t >> 5)] & bit)) {
        numFalse[t]++;
        continue;
      }
      if (numTrue[t] === stride) {
        precision = widen(precision, T, stride);
        scoresOf = widen(scoresOf, T, stride);
        stride = 2 * stride + 1;
      }
      const at = t * stride + numTrue[t]++;
      precision[at] = numTrue[t] / (falseEverywhere + numFalse[t] + numTrue[t] + EPSILON);
      scoresOf[at] = scores[row];
    }
  }
  return { numDetections, firstScore, stride, numTrue, precision, scores: scoresOf };
}

function widen(values: Float64Array, numRows: number, stride: number): Float64Array {
  const wider = new Float64Array(numRows * (2 * stride + 1));
  for (let row = 0; row < numRows; row++)
    wider.set(values.subarray(row * stride, (row + 1) * stride), row * (2 * stride + 1));
  return wider;
}

function fillCurve(
  curves: CocoCurves,
  walk: Walk,
  { t, k, a, m, total }: { t: number; k: number; a: number; m: number; total: number },
  recallPoints: readonly number[],
): void {
  const [, R, K, A, M] = curves.shape;
  const numTrue = walk.numTrue[t];
  const first = t * walk.stride;
  for (let i = first + numTrue - 1; i > first; i--)
    if (walk.precision[i] > walk.precision[i - 1]) walk.precision[i - 1] = walk.precision[i];
  curves.recall[((t * K + k) * A + a) * M + m] = numTrue / total;
  let next = 0; // true positives before the recall point
  let reached = walk.numDetections > 0;
  for (let r = 0; r < R; r++) {
    const point = recallPoints[r];
    const at = (((t * R + r) * K + k) * A + a) * M + m;
    if (point > 0) {
      if (r > 0 && point < recallPoints[r - 1]) next = 0;
      while (next < numTrue && (next + 1) / total < point) next++;
      reached &&= next < numTrue;
    }
    // The first detection reaches recall 0, whether true or false.
    const score = point > 0 ? walk.scores[first + next] : walk.firstScore;
    const precision =
      point > 0 ? walk.precision[first + next] : numTrue > 0 ? walk.precision[first] : 0;
    curves.precision[at] = reached ? precision : 0;
    curves.scores[at] = reached ? score : 0;
  }
}
