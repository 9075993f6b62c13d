import type { Size } from './boxes.js';
import { DataError, ShapeError } from './errors.js';
import type { Span } from './mask-targets.js';
import { RleBuilder } from './rle-crop.js';
import type { Rle } from './rle.js';

/** A predicted mask and its box. */
export interface PastedMask {
  /** `[S, S]` row-major probabilities of the object's class inside its box. */
  readonly mask: Float32Array;
  /** `[x1, y1, x2, y2]` in pixels of the image. */
  readonly box: ArrayLike<number>;
}

/**
 * Resizes a mask to its box in an image and thresholds it, as run lengths. The value of a pixel is the mask, surrounded by
 * zeros, interpolated bilinearly at the pixel's center. Only pixels in `[⌊x1⌋ - 1, ⌈x2⌉ + 1)` are computed, as in the
 * original on a CPU.
 *
 * @param threshold foreground has at least this probability
 * @throws ShapeError unless the mask is square and the box has four numbers; DataError for a box that is not finite
 * @see https://github.com/open-mmlab/mmdetection/blob/v2.11.0/mmdet/models/roi_heads/mask_heads/fcn_mask_head.py
 */
export function pasteMaskRle(pasted: PastedMask, image: Size, threshold = 0.5): Rle {
  const on = Math.fround(threshold);
  const runs = new RleBuilder(image);
  forEachColumn(pasted, image, (x, firstY, values, numRows) => {
    const top = x * image.height + firstY;
    for (let i = 0; i < numRows; i++) if (values[i] >= on) runs.add(top + i, 1);
  });
  return runs.finish();
}

function windowOf(
  { mask, box }: PastedMask,
  { width, height }: Size,
): { readonly x: Span; readonly y: Span; readonly side: number } {
  const side = Math.round(Math.sqrt(mask.length));
  if (side * side !== mask.length || side === 0 || box.length !== 4)
    throw new ShapeError(
      `pasteMaskRle: expected a mask [S, S] and a box [4], got ${mask.length} and ${box.length} numbers`,
    );
  if (!Number.isFinite(box[0] + box[1] + box[2] + box[3]))
    throw new DataError(`pasteMaskRle: expected a finite box, got [${Array.from(box).join(', ')}]`);
  const span = (low: number, high: number, size: number): Span => ({
    start: Math.min(Math.max(Math.floor(low) - 1, 0), size),
    end: Math.max(Math.min(Math.ceil(high) + 1, size), 0),
  });
  return { x: span(box[0], box[2], width), y: span(box[1], box[3], height), side };
}

/** Interpolation of every pixel of a span: the first of its two cells, and the distance from it in cells. */
interface AxisSamples {
  readonly cells: Int32Array;
  readonly fractions: Float64Array;
}

function axisSamples({ start, end }: Span, low: number, high: number, side: number): AxisSamples {
  const cells = new Int32Array(Math.max(0, end - start));
  const fractions = new Float64Array(cells.length);
  for (let i = 0; i < cells.length; i++) {
    let relative = (start + i + 0.5 - low) / (high - low);
    // As in the original, every pixel of a box without extent gets the middle of the mask.
    if (!Number.isFinite(relative)) relative = 0.5;
    // Clamped so that the index cannot overflow; more than a cell outside the mask everything is zero anyway.
    const at = Math.min(Math.max(relative * side - 0.5, -2), side + 1);
    cells[i] = Math.floor(at);
    fractions[i] = at - cells[i];
  }
  return { cells, fractions };
}

/**
 * Visits the columns of the window with their values. A column is first interpolated between mask columns, once per
 * mask row; then every pixel needs one interpolation.
 */
function forEachColumn(
  pasted: PastedMask,
  image: Size,
  visit: (x: number, firstY: number, values: Float32Array, numRows: number) => void,
): void {
  const { mask, box } = pasted;
  const { x: columns, y: rows, side } = windowOf(pasted, image);
  const x = axisSamples(columns, box[0], box[2], side);
  const y = axisSamples(rows, box[1], box[3], side);
  const numRows = y.cells.length;
  const values = new Float32Array(numRows);
  // Entry k + 2 holds mask row k; rows −2, −1, S, S + 1 and S + 2 are the surrounding zeros.
  const profile = new Float64Array(side + 5);
  for (let i = 0; i < x.cells.length; i++) {
    const left = x.cells[i];
    const right = left + 1;
    const fraction = x.fractions[i];
    const leftWeight = left >= 0 && left < side ? 1 - fraction : 0;
    const rightWeight = right >= 0 && right < side ? fraction : 0;
    for (let k = 0; k < side; k++) {
      const a = leftWeight === 0 ? 0 : leftWeight * mask[k * side + left];
      const b = rightWeight === 0 ? 0 : rightWeight * mask[k * side + right];
      profile[k + 2] = a + b;
    }
    for (let j = 0; j < numRows; j++) {
      const top = y.cells[j] + 2;
      const fraction = y.fractions[j];
      values[j] = (1 - fraction) * profile[top] + fraction * profile[top + 1];
    }
    visit(columns.start + i, rows.start, values, numRows);
  }
}
