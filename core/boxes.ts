import { ShapeError } from './errors.js';

/**
 * Boxes as rows of a flat array `[M, 4]`: `[x1, y1, x2, y2]` in pixels, width `x2 - x1`. Areas and overlaps are
 * computed in float32 in the order of the original (`Math.fround` after every operation), so exact ties and
 * comparisons with thresholds have the same outcome.
 */
export type Boxes = Float32Array;

/** Size of an image in pixels or of a feature map in cells. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Lower bound of unions and enclosing areas; keeps the quotients finite for boxes without area. */
export const AREA_FLOOR_PX = 1e-6;

const FLOOR = Math.fround(AREA_FLOOR_PX);
const f32 = Math.fround;

/**
 * Number of rows of `boxes`.
 *
 * @throws ShapeError unless the length is a multiple of 4
 */
export function numBoxes(where: string, boxes: ArrayLike<number>): number {
  if (boxes.length % 4 !== 0)
    throw new ShapeError(`${where}: expected boxes [M, 4], got ${boxes.length} numbers`);
  return boxes.length / 4;
}

/**
 * Computes areas `(x2 - x1) · (y2 - y1)`. There is no lower bound: a box with one negative side has a negative area.
 *
 * @param boxes `[M, 4]`
 * @returns `[M]`, square pixels
 * @throws ShapeError unless the length is a multiple of 4
 */
export function boxAreas(boxes: Boxes): Float32Array {
  const out = new Float32Array(numBoxes('boxAreas', boxes));
  for (let i = 0, b = 0; b < boxes.length; i++, b += 4)
    out[i] = f32(boxes[b + 2] - boxes[b]) * f32(boxes[b + 3] - boxes[b + 1]);
  return out;
}

/**
 * Intersection over union of all pairs; the union is floored at 1e-6.
 *
 * @param a `[A, 4]`
 * @param b `[B, 4]`
 * @returns `[A, B]`, 0–1
 * @throws ShapeError unless the lengths are multiples of 4
 */
export function iouMatrix(a: Boxes, b: Boxes): Float32Array {
  const out = new Float32Array(numBoxes('iouMatrix', a) * numBoxes('iouMatrix', b));
  const [areasA, areasB] = [boxAreas(a), boxAreas(b)];
  let at = 0;
  for (let i = 0; i < a.length; i += 4) {
    for (let j = 0; j < b.length; j += 4) {
      const w = f32(Math.min(a[i + 2], b[j + 2]) - Math.max(a[i], b[j]));
      const h = f32(Math.min(a[i + 3], b[j + 3]) - Math.max(a[i + 1], b[j + 1]));
      const inter = w > 0 && h > 0 ? f32(w * h) : 0;
      const union = f32(f32(areasA[i / 4] + areasB[j / 4]) - inter);
      out[at++] = f32(inter / (union > FLOOR ? union : FLOOR));
    }
  }
  return out;
}

/**
 * Copies rows.
 *
 * @param boxes `[M, 4]`
 * @param indices `[R]`
 * @returns `[R, 4]`
 */
export function gatherBoxes(boxes: Boxes, indices: Int32Array): Boxes {
  const out = new Float32Array(4 * indices.length);
  for (let r = 0; r < indices.length; r++)
    for (let k = 0; k < 4; k++) out[4 * r + k] = boxes[4 * indices[r] + k];
  return out;
}

/**
 * Corners of the smallest box around points; infinite without points.
 *
 * @param lists points as `x, y, …` one after another
 * @param step numbers from one point to the next; 3 for keypoints
 * @returns `[x1, y1, x2, y2]`
 */
export function extentOf(
  lists: Iterable<ArrayLike<number>>,
  step = 2,
): readonly [x1: number, y1: number, x2: number, y2: number] {
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const points of lists)
    for (let i = 0; i + 1 < points.length; i += step) {
      const [x, y] = [points[i], points[i + 1]];
      if (x < x1) x1 = x;
      if (x > x2) x2 = x;
      if (y < y1) y1 = y;
      if (y > y2) y2 = y;
    }
  return [x1, y1, x2, y2];
}

/** Factors of a resize. */
interface Scale {
  readonly x: number;
  readonly y: number;
}

/**
 * Multiplies x and y by the factors. To undo a resize, use {@link unscaleBoxes}.
 *
 * @param boxes `[M, 4]`
 * @param out destination; may be `boxes`
 * @returns `[M, 4]`
 * @throws ShapeError unless the length is a multiple of 4
 */
export const scaleBoxes = (boxes: Boxes, factor: Scale, out?: Boxes): Boxes =>
  mapCoordinates('scaleBoxes', boxes, factor, (value, by) => value * by, out);

/**
 * Divides x and y by the factors of a resize, which maps detections back to the original image. (Multiplying by the
 * reciprocal would round differently.)
 *
 * @param boxes `[M, 4]`
 * @param out destination; may be `boxes`
 * @returns `[M, 4]`
 * @throws ShapeError unless the length is a multiple of 4
 */
export const unscaleBoxes = (boxes: Boxes, factor: Scale, out?: Boxes): Boxes =>
  mapCoordinates('unscaleBoxes', boxes, factor, (value, by) => value / by, out);

function mapCoordinates(
  where: string,
  boxes: Boxes,
  factor: Scale,
  map: (value: number, by: number) => number,
  out: Boxes = new Float32Array(boxes.length),
): Boxes {
  numBoxes(where, boxes);
  const by = [f32(factor.x), f32(factor.y)];
  for (let i = 0; i < boxes.length; i++) out[i] = map(boxes[i], by[i & 1]);
  return out;
}
