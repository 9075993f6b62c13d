import type { Size } from './boxes.js';
import { DataError, ShapeError } from './errors.js';
import type { Rle } from './rle.js';

/** One predicted mask and where it goes. */
export interface PastedMask {
  /** `[S, S]` row-major probabilities of the object's class inside its box. */
  readonly mask: Float32Array;
  /** `[x1, y1, x2, y2]`, pixels of the image that is pasted into. */
  readonly box: ArrayLike<number>;
}

/**
 * Spreads a mask over its box in an image and thresholds it. The value of a pixel is the bilinear interpolation of the mask,
 * zeros around it, at the pixel's centre; pixels are visited in `[⌊x1⌋ - 1, ⌈x2⌉ + 1)` only, as the original does on a CPU.
 *
 * @param threshold on where the probability is at least this
 * @returns `uint8 [H, W]` row-major, 0 or 1
 * @throws ShapeError unless the mask is square and the box has four numbers; DataError for a box that is not finite
 * @see https://github.com/open-mmlab/mmdetection/blob/v2.11.0/mmdet/models/roi_heads/mask_heads/fcn_mask_head.py
 */
export function pasteMask(pasted: PastedMask, image: Size, threshold = 0.5): Uint8Array {
  const bitmap = new Uint8Array(image.height * image.width);
  const on = Math.fround(threshold);
  forEachColumn('pasteMask', pasted, image, (x, firstY, values, numRows) => {
    for (let i = 0, at = firstY * image.width + x; i < numRows; i++, at += image.width)
      if (values[i] >= on) bitmap[at] = 1;
  });
  return bitmap;
}

/**
 * The run lengths of what {@link pasteMask} gives, without building the bitmap.
 *
 * @throws ShapeError unless the mask is square and the box has four numbers; DataError for a box that is not finite
 */
export function pasteMaskRle(pasted: PastedMask, image: Size, threshold = 0.5): Rle {
  const { height, width } = image;
  const on = Math.fround(threshold);
  const counts: number[] = [];
  let last = 0; // value of the open run
  let start = 0; // its first pixel, column-major
  const turn = (value: number, at: number): void => {
    if (value === last) return;
    counts.push(at - start);
    start = at;
    last = value;
  };
  forEachColumn('pasteMaskRle', pasted, image, (x, firstY, values, numRows) => {
    const top = x * height + firstY;
    // Above and below the window is background.
    if (firstY > 0) turn(0, x * height);
    for (let i = 0; i < numRows; i++) turn(values[i] >= on ? 1 : 0, top + i);
    if (firstY + numRows < height) turn(0, top + numRows);
  });
  // Columns right of the window; the last one may have ended in foreground.
  const end = windowOf('pasteMaskRle', pasted, image).x.end * height;
  if (end < width * height) turn(0, end);
  counts.push(width * height - start);
  return { height, width, counts: Uint32Array.from(counts) };
}

/**
 * The interpolated probabilities before thresholding: for soft overlays and comparisons.
 *
 * @returns `[H, W]` row-major
 * @throws ShapeError unless the mask is square and the box has four numbers; DataError for a box that is not finite
 */
export function pasteMaskProbabilities(pasted: PastedMask, image: Size): Float32Array {
  const out = new Float32Array(image.height * image.width);
  forEachColumn('pasteMaskProbabilities', pasted, image, (x, firstY, values, numRows) => {
    for (let i = 0, at = firstY * image.width + x; i < numRows; i++, at += image.width)
      out[at] = values[i];
  });
  return out;
}

/** Pixels `start … end - 1` of an axis. */
interface Span {
  readonly start: number;
  readonly end: number;
}

function windowOf(
  where: string,
  { mask, box }: PastedMask,
  { width, height }: Size,
): { readonly x: Span; readonly y: Span; readonly side: number } {
  const side = Math.round(Math.sqrt(mask.length));
  if (side * side !== mask.length || side === 0 || box.length !== 4)
    throw new ShapeError(
      `${where}: expected a mask [S, S] and a box [4], got ${mask.length} and ${box.length} numbers`,
    );
  if (!Number.isFinite(box[0] + box[1] + box[2] + box[3]))
    throw new DataError(`${where}: expected a finite box, got [${Array.from(box).join(', ')}]`);
  const span = (low: number, high: number, size: number): Span => ({
    start: Math.min(Math.max(Math.floor(low) - 1, 0), size),
    end: Math.max(Math.min(Math.ceil(high) + 1, size), 0),
  });
  return { x: span(box[0], box[2], width), y: span(box[1], box[3], height), side };
}

/** The two cells that a pixel lies between, and its distance from the first in cells; per pixel of a span. */
interface AxisSamples {
  readonly cells: Int32Array;
  readonly fractions: Float64Array;
}

function axisSamples({ start, end }: Span, low: number, high: number, side: number): AxisSamples {
  const cells = new Int32Array(Math.max(0, end - start));
  const fractions = new Float64Array(cells.length);
  for (let i = 0; i < cells.length; i++) {
    let share = (start + i + 0.5 - low) / (high - low);
    // As in the original, every pixel of a box without extent gets the middle of the mask.
    if (!Number.isFinite(share)) share = 0.5;
    // A share far outside would overflow the index; beyond a cell's width all is zero anyway.
    const at = Math.min(Math.max(share * side - 0.5, -2), side + 1);
    cells[i] = Math.floor(at);
    fractions[i] = at - cells[i];
  }
  return { cells, fractions };
}

/**
 * Visits the columns of the window with their values. A column is interpolated between mask columns first, once per mask
 * row; then there is one interpolation per pixel.
 */
function forEachColumn(
  where: string,
  pasted: PastedMask,
  image: Size,
  visit: (x: number, firstY: number, values: Float32Array, numRows: number) => void,
): void {
  const { mask, box } = pasted;
  const { x: columns, y: rows, side } = windowOf(where, pasted, image);
  const x = axisSamples(columns, box[0], box[2], side);
  const y = axisSamples(rows, box[1], box[3], side);
  const numRows = y.cells.length;
  const values = new Float32Array(numRows);
  // Entry k + 2 belongs to mask row k; rows −2, −1, S, S + 1 and S + 2 are the zeros around.
  const profile = new Float64Array(side + 5);
  for (let i = 0; i < x.cells.length; i++) {
    const left = x.cells[i];
    const right = left + 1;
    const share = x.fractions[i];
    const leftShare = left >= 0 && left < side ? 1 - share : 0;
    const rightShare = right >= 0 && right < side ? share : 0;
    for (let k = 0; k < side; k++) {
      const a = leftShare === 0 ? 0 : leftShare * mask[k * side + left];
      const b = rightShare === 0 ? 0 : rightShare * mask[k * side + right];
      profile[k + 2] = a + b;
    }
    for (let j = 0; j < numRows; j++) {
      const top = y.cells[j] + 2;
      const part = y.fractions[j];
      values[j] = (1 - part) * profile[top] + part * profile[top + 1];
    }
    visit(columns.start + i, rows.start, values, numRows);
  }
}
