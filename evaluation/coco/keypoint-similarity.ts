import { extentOf } from '../../core/boxes.js';
import { DataError } from '../../core/errors.js';
import type { XywhBox } from '../../core/rle.js';
import type { CocoDetections, CocoGroundTruth, Similarity } from './objects.js';

/** The distance from 1 to the next double, added to areas to avoid division by 0. */
const EPSILON = 2 ** -52;

/**
 * Object keypoint similarity: the mean over the labeled keypoints of `exp(−distance² / (2 · (2σ)² · area))`. For an
 * object without labeled keypoints, distances are those of the keypoints from its box, doubled in size.
 *
 * @param sigmas `[P]`
 * @throws DataError if there are no keypoints, or not `P` per object
 */
export function keypointSimilarity(
  groundTruth: CocoGroundTruth,
  detections: CocoDetections,
  sigmas: readonly number[],
): Similarity {
  const { areas } = detections;
  const dtPoints = keypointsOf('detection', detections, detections.scores.length, sigmas);
  const gtPoints = keypointsOf('ground truth', groundTruth, groundTruth.ids.length, sigmas);
  const variances = sigmas.map((sigma) => (sigma * 2) ** 2);
  const terms = new Float64Array(sigmas.length);

  const similarity = (d: number, g: number): number => {
    const scale = groundTruth.areas[g] + EPSILON;
    const [left, top] = [groundTruth.boxes[4 * g], groundTruth.boxes[4 * g + 1]];
    const [width, height] = [groundTruth.boxes[4 * g + 2], groundTruth.boxes[4 * g + 3]];
    const first = 3 * sigmas.length * g;
    let numLabeled = 0;
    for (let p = 0; p < sigmas.length; p++) if (gtPoints[first + 3 * p + 2] > 0) numLabeled++;
    let numTerms = 0;
    for (let p = 0; p < sigmas.length; p++) {
      const x = dtPoints[3 * (sigmas.length * d + p)];
      const y = dtPoints[3 * (sigmas.length * d + p) + 1];
      let dx: number;
      let dy: number;
      if (numLabeled > 0) {
        if (!(gtPoints[first + 3 * p + 2] > 0)) continue;
        dx = x - gtPoints[first + 3 * p];
        dy = y - gtPoints[first + 3 * p + 1];
      } else {
        dx = Math.max(0, left - width - x) + Math.max(0, x - (left + width * 2));
        dy = Math.max(0, top - height - y) + Math.max(0, y - (top + height * 2));
      }
      terms[numTerms++] = Math.exp(-((dx * dx + dy * dy) / variances[p] / scale / 2));
    }
    return pairwiseSum(terms, numTerms) / numTerms;
  };

  return {
    area: (d) => (areas ? areas[d] : extentArea(dtPoints, d, sigmas.length)),
    fill(dts, gts, out) {
      for (let i = 0, at = 0; i < dts.length; i++)
        for (let j = 0; j < gts.length; j++, at++) out[at] = similarity(dts[i], gts[j]);
    },
  };
}

function keypointsOf(
  side: string,
  { source = 'coco', keypoints }: Pick<CocoDetections, 'source' | 'keypoints'>,
  count: number,
  sigmas: readonly number[],
): Float64Array {
  const expected = 3 * sigmas.length * count;
  const got = keypoints?.length ?? 0;
  if (got !== expected) {
    const numPoints = got / 3 / count;
    const hasOthers = Number.isInteger(numPoints) && numPoints > 0;
    const shown = `${got} numbers for ${count}${hasOthers ? ` (${numPoints} keypoints each)` : ''}`;
    // The categories may name other points than the 17 of COCO's persons.
    const remedy = hasOthers ? `; give --sigmas with ${numPoints} numbers, one per keypoint` : '';
    throw new DataError(
      `${source}: expected ${sigmas.length} keypoints (x, y, v) a ${side}, got ${shown}${remedy}`,
      { file: source },
    );
  }
  return keypoints ?? new Float64Array(0);
}

/** Area of the box around the keypoints of object `index`. */
function extentArea(points: Float64Array, index: number, numPoints: number): number {
  const first = 3 * numPoints * index;
  const [, , width, height] = boxAround(points.subarray(first, first + 3 * numPoints));
  return width * height;
}

/**
 * Bounding box of keypoints, as in the reference.
 *
 * @param points `[3P]` x, y, anything
 * @returns x, y, width, height
 */
export function boxAround(points: ArrayLike<number>): XywhBox {
  const [x1, y1, x2, y2] = extentOf([points], 3);
  return [x1, y1, x2 - x1, y2 - y1];
}

/** Sums in NumPy's order for up to 128 numbers (eight running sums), so that results are bit-identical. */
function pairwiseSum(values: Float64Array, count: number): number {
  const numBlocked = count - (count % 8);
  let sum = 0;
  if (numBlocked > 0) {
    const r = values.slice(0, 8);
    for (let i = 8; i < numBlocked; i++) r[i % 8] += values[i];
    sum = r[0] + r[1] + (r[2] + r[3]) + (r[4] + r[5] + (r[6] + r[7]));
  }
  for (let i = numBlocked; i < count; i++) sum += values[i];
  return sum;
}
