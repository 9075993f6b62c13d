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
export function boxAreas(
  boxes: Boxes,
  out = new Float32Array(numBoxes('boxAreas', boxes)),
): Float32Array {
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
  return pairs('iouMatrix', a, b, (inter, areaA, areaB) => {
    const union = f32(f32(areaA + areaB) - inter);
    return f32(inter / (union > FLOOR ? union : FLOOR));
  });
}

/**
 * Intersection over the area of the first box ("foreground") of all pairs; the area is floored at 1e-6.
 *
 * @param a `[A, 4]`
 * @param b `[B, 4]`
 * @returns `[A, B]`, 0–1
 * @throws ShapeError unless the lengths are multiples of 4
 */
export function iofMatrix(a: Boxes, b: Boxes): Float32Array {
  return pairs('iofMatrix', a, b, (inter, areaA) => f32(inter / (areaA > FLOOR ? areaA : FLOOR)));
}

/**
 * Generalized IoU of all pairs, `iou - (enclosing - union) / enclosing`; union and enclosing area are floored at 1e-6.
 *
 * @param a `[A, 4]`
 * @param b `[B, 4]`
 * @returns `[A, B]`, −1 to 1
 * @throws ShapeError unless the lengths are multiples of 4
 * @see https://arxiv.org/abs/1902.09630
 */
export function giouMatrix(a: Boxes, b: Boxes): Float32Array {
  return pairs('giouMatrix', a, b, generalizedIou);
}

/**
 * Generalized IoU of the boxes of equal index; the GIoU loss is `1 - giou`.
 *
 * @param a `[M, 4]`
 * @param b `[M, 4]`
 * @returns `[M]`, −1 to 1
 * @throws ShapeError unless both are `[M, 4]`
 */
export function alignedGiou(a: Boxes, b: Boxes): Float32Array {
  const M = numBoxes('alignedGiou', a);
  if (b.length !== a.length)
    throw new ShapeError(
      `alignedGiou: expected boxes [${M}, 4], got [${numBoxes('alignedGiou', b)}, 4]`,
    );
  const out = new Float32Array(M);
  for (let i = 0; i < M; i++) out[i] = onePair(a, 4 * i, b, 4 * i, generalizedIou);
  return out;
}

type Ratio = (inter: number, areaA: number, areaB: number, enclosing: number) => number;

function generalizedIou(inter: number, areaA: number, areaB: number, enclosing: number): number {
  const sum = f32(f32(areaA + areaB) - inter);
  const union = sum > FLOOR ? sum : FLOOR;
  const hull = enclosing > FLOOR ? enclosing : FLOOR;
  return f32(f32(inter / union) - f32(f32(hull - union) / hull));
}

function pairs(where: string, a: Boxes, b: Boxes, ratio: Ratio): Float32Array {
  const A = numBoxes(where, a);
  const B = numBoxes(where, b);
  const out = new Float32Array(A * B);
  for (let i = 0, at = 0; i < A; i++) {
    for (let j = 0; j < B; j++, at++) out[at] = onePair(a, 4 * i, b, 4 * j, ratio);
  }
  return out;
}

function onePair(a: Boxes, i: number, b: Boxes, j: number, ratio: Ratio): number {
  const [ax1, ay1, ax2, ay2] = [a[i], a[i + 1], a[i + 2], a[i + 3]];
  const [bx1, by1, bx2, by2] = [b[j], b[j + 1], b[j + 2], b[j + 3]];
  const w = f32(Math.min(ax2, bx2) - Math.max(ax1, bx1));
  const h = f32(Math.min(ay2, by2) - Math.max(ay1, by1));
  const hullW = f32(Math.max(ax2, bx2) - Math.min(ax1, bx1));
  const hullH = f32(Math.max(ay2, by2) - Math.min(ay1, by1));
  return ratio(
    w > 0 && h > 0 ? f32(w * h) : 0,
    f32(f32(ax2 - ax1) * f32(ay2 - ay1)),
    f32(f32(bx2 - bx1) * f32(by2 - by1)),
    f32((hullW > 0 ? hullW : 0) * (hullH > 0 ? hullH : 0)),
  );
}

/**
 * Clamps x to `[0, width]` and y to `[0, height]` (not `width - 1`).
 *
 * @param boxes `[M, 4]`
 * @param out destination; may be `boxes`
 * @returns `[M, 4]`
 * @throws ShapeError unless the length is a multiple of 4
 */
export function clipBoxes(
  boxes: Boxes,
  { width, height }: Size,
  out: Boxes = new Float32Array(boxes.length),
): Boxes {
  numBoxes('clipBoxes', boxes);
  for (let i = 0; i < boxes.length; i += 2) {
    out[i] = Math.min(Math.max(boxes[i], 0), width);
    out[i + 1] = Math.min(Math.max(boxes[i + 1], 0), height);
  }
  return out;
}

/**
 * Multiplies x and y by the factors. To undo a resize, use {@link unscaleBoxes}.
 *
 * @param boxes `[M, 4]`
 * @param out destination; may be `boxes`
 * @returns `[M, 4]`
 * @throws ShapeError unless the length is a multiple of 4
 */
export function scaleBoxes(
  boxes: Boxes,
  factor: { readonly x: number; readonly y: number },
  out: Boxes = new Float32Array(boxes.length),
): Boxes {
  numBoxes('scaleBoxes', boxes);
  const [fx, fy] = [f32(factor.x), f32(factor.y)];
  for (let i = 0; i < boxes.length; i += 2) {
    out[i] = boxes[i] * fx;
    out[i + 1] = boxes[i + 1] * fy;
  }
  return out;
}

/**
 * Divides x and y by the factors of a resize, which maps detections back to the original image. (Multiplying by the
 * reciprocal would round differently.)
 *
 * @param boxes `[M, 4]`
 * @param out destination; may be `boxes`
 * @returns `[M, 4]`
 * @throws ShapeError unless the length is a multiple of 4
 */
export function unscaleBoxes(
  boxes: Boxes,
  factor: { readonly x: number; readonly y: number },
  out: Boxes = new Float32Array(boxes.length),
): Boxes {
  numBoxes('unscaleBoxes', boxes);
  const [fx, fy] = [f32(factor.x), f32(factor.y)];
  for (let i = 0; i < boxes.length; i += 2) {
    out[i] = boxes[i] / fx;
    out[i + 1] = boxes[i + 1] / fy;
  }
  return out;
}
