import { AREA_FLOOR_PX } from '../../core/boxes.js';

const f32 = Math.fround;
const floored = (area: number): number => Math.max(area, f32(AREA_FLOOR_PX));

/** Generalized IoU of row `i` of `a` and row `j` of `b`, in float32 in the order of the original. */
function giouOf(a: Float32Array, i: number, b: Float32Array, j: number): number {
  const [ax1, ay1, ax2, ay2] = a.subarray(4 * i, 4 * i + 4);
  const [bx1, by1, bx2, by2] = b.subarray(4 * j, 4 * j + 4);
  const area = (w: number, h: number): number => f32(Math.max(f32(w), 0) * Math.max(f32(h), 0));
  const inter = area(Math.min(ax2, bx2) - Math.max(ax1, bx1), Math.min(ay2, by2) - Math.max(ay1, by1)); // prettier-ignore
  const hull = floored(area(Math.max(ax2, bx2) - Math.min(ax1, bx1), Math.max(ay2, by2) - Math.min(ay1, by1))); // prettier-ignore
  const sum = f32(f32(f32(ax2 - ax1) * f32(ay2 - ay1)) + f32(f32(bx2 - bx1) * f32(by2 - by1)));
  const union = floored(f32(sum - inter));
  return f32(f32(inter / union) - f32(f32(hull - union) / hull));
}

/**
 * Generalized IoU of all pairs: the oracle of the GIoU loss.
 *
 * @returns `[A, B]`
 * @see https://arxiv.org/abs/1902.09630
 */
export const giouMatrix = (a: Float32Array, b: Float32Array): Float32Array =>
  Float32Array.from({ length: (a.length * b.length) / 16 }, (_, at) =>
    giouOf(a, Math.floor((4 * at) / b.length), b, at % (b.length / 4)),
  );

/** Generalized IoU of the boxes of equal index, `[M]`. */
export const alignedGiou = (a: Float32Array, b: Float32Array): Float32Array =>
  Float32Array.from({ length: a.length / 4 }, (_, i) => giouOf(a, i, b, i));
