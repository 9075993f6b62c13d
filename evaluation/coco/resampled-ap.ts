import { orderByScore } from '../score-order.js';
import type { ResampledMetrics } from '../bootstrap.js';
import type { CocoResult } from './evaluator.js';

/** `numpy.spacing(1)`, as in the accumulation of all images. */
const EPSILON = 2 ** -52;

/** A category's detections by descending score, and the images of its objects. */
interface Category {
  /** Rows of the matches. */
  readonly rows: Uint32Array;
  /** Image index of each object that counts. */
  readonly objects: Int32Array;
}

/**
 * Creates AP, AP50 and AP75 (over the first area range, at the largest detection limit) as functions of how often each image
 * is drawn: an image that is drawn twice counts like two images, up to the order of equal scores within it. Every image drawn
 * once gives the numbers of the result.
 *
 * @param result of at most 32 thresholds
 * @returns fractions; images are numbered as in the result's grid
 */
export function resampledAp(result: CocoResult): ResampledMetrics {
  const { matches, parameters, counted, curves } = result;
  const { iouThresholds, areaRanges, maxDetections, recallPoints } = parameters;
  const numCategories = curves.shape[2];
  const limit = maxDetections.at(-1) ?? 0;
  const categories = Array.from({ length: numCategories }, (_, k): Category => {
    const rows = rowsWhere(matches.categories, (category, row) => {
      return category === k && matches.ranks[row] < limit;
    });
    const order = orderByScore(Float64Array.from(rows, (row) => matches.scores[row]));
    const objects = rowsWhere(counted.categories, (category) => category === k);
    return {
      rows: order.map((i) => rows[i]),
      objects: Int32Array.from(objects, (g) => counted.images[g]),
    };
  });
  const words = Math.ceil(iouThresholds.length / 32);
  const wordOf = (row: number): number => row * areaRanges.length * words;
  return (draws) => {
    const sums = new Float64Array(iouThresholds.length);
    let numDefined = 0;
    for (const { rows, objects } of categories) {
      let total = 0;
      for (const image of objects) total += draws[image];
      if (total === 0) continue;
      numDefined++;
      for (let t = 0; t < sums.length; t++) {
        const [precisions, recalls]: [number[], number[]] = [[], []];
        let [numTrue, numFalse] = [0, 0];
        for (const row of rows) {
          const drawn = draws[matches.images[row]];
          const bit = 1 << t;
          if (drawn === 0 || matches.ignored[wordOf(row)] & bit) continue;
          if (!(matches.matched[wordOf(row)] & bit)) {
            numFalse += drawn;
            continue;
          }
          numTrue += drawn;
          precisions.push(numTrue / (numTrue + numFalse + EPSILON));
          recalls.push(numTrue / total);
        }
        sums[t] += meanPrecision(precisions, recalls, recallPoints);
      }
    }
    const ap = (t: number): number => (numDefined === 0 || t < 0 ? NaN : sums[t] / numDefined);
    const all = Array.from(sums.keys(), ap);
    return {
      AP: all.reduce((sum, value) => sum + value, 0) / all.length,
      AP50: ap(iouThresholds.indexOf(0.5)),
      AP75: ap(iouThresholds.indexOf(0.75)),
    };
  };
}

/** Mean over the recall points of the highest precision from there on. */
function meanPrecision(
  precisions: number[],
  recalls: readonly number[],
  points: readonly number[],
): number {
  for (let i = precisions.length - 1; i > 0; i--)
    if (precisions[i] > precisions[i - 1]) precisions[i - 1] = precisions[i];
  let [sum, next] = [0, 0];
  for (const point of points) {
    while (next < recalls.length && recalls[next] < point) next++;
    if (next === recalls.length) break;
    sum += precisions[next];
  }
  return sum / points.length;
}

function rowsWhere(
  values: Int32Array,
  isWanted: (value: number, row: number) => boolean,
): Uint32Array {
  return Uint32Array.from(values.keys()).filter((row) => isWanted(values[row], row));
}
