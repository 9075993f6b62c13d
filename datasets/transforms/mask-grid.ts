import { DataError } from '../../core/errors.js';
import { forEachPiece, rleBounds, RleBuilder } from '../../core/rle-crop.js';
import { rleFromPolygons } from '../../core/rle-polygons.js';
import type { Rle } from '../../core/rle.js';
import type { Segmentation } from '../../core/coco.js';
import type { Size } from './rect.js';

/**
 * Converts a mask to run lengths at the size of its image, rasterized as in the COCO API.
 *
 * @returns undefined without a mask
 * @throws DataError if run lengths have another size
 */
export function segmentationRuns(segmentation: Segmentation, source: Size): Rle | undefined {
  switch (segmentation.kind) {
    case 'none':
      return undefined;
    case 'polygons':
      return rleFromPolygons(segmentation.polygons, source.height, source.width);
    case 'rle':
      if (segmentation.width !== source.width || segmentation.height !== source.height)
        throw new DataError(
          `segmentationRuns: expected a mask of ${source.width}x${source.height}, got ${segmentation.width}x${segmentation.height}`,
        );
      return segmentation;
    default:
      return segmentation satisfies never;
  }
}

/**
 * Range of outputs of each input along an axis that isn't flipped: outputs `starts[i] … starts[i + 1] − 1` take input
 * `i`.
 */
export function outputStarts(axis: Int32Array, inputLength: number): Int32Array {
  const starts = new Int32Array(inputLength + 1);
  let output = 0;
  for (let input = 0; input <= inputLength; input++) {
    while (output < axis.length && axis[output] < input) output++;
    starts[input] = output;
  }
  return starts;
}

/**
 * Bounding box of a mask transformed by a grid: `x1`, `y1` are the first set column and row, `x2`, `y2` one past the
 * last; zeros if empty.
 *
 * @param starts {@link outputStarts} of the grid's columns and rows, which must not be flipped
 */
export function boxThroughGrid(
  mask: Rle,
  starts: { readonly columns: Int32Array; readonly rows: Int32Array },
): readonly [number, number, number, number] {
  const { columns, rows } = starts;
  let [x1, y1, x2, y2] = [Infinity, Infinity, 0, 0];
  forEachPiece(mask, (column, top, bottom) => {
    const [left, right] = [columns[column], columns[column + 1]];
    const [first, last] = [rows[top], rows[bottom]];
    if (left >= right || first >= last) return;
    x1 = Math.min(x1, left);
    x2 = Math.max(x2, right);
    y1 = Math.min(y1, first);
    y2 = Math.max(y2, last);
  });
  return x2 === 0 ? [0, 0, 0, 0] : [x1, y1, x2, y2];
}

/** A bitmap of a window of an image. */
export interface Cutout extends Size {
  readonly left: number;
  readonly top: number;
  /** `[height, width]`, 0 or 1. */
  readonly bits: Uint8Array;
}

/** Crops a bitmap to the smallest rectangle with all foreground, `[height, width]`. */
export function cutForeground(mask: Rle): Cutout {
  const bounds = rleBounds(mask) ?? { x: 0, y: 0, width: 0, height: 0 };
  const { x: left, y: top, width, height } = bounds;
  const bits = new Uint8Array(width * height);
  forEachPiece(mask, (column, from, to) => {
    for (let y = from; y < to; y++) bits[(y - top) * width + column - left] = 1;
  });
  return { left, top, width, height, bits };
}

/** Converts a cutout to run lengths of the whole image. */
export function cutoutRuns({ left, top, width, height, bits }: Cutout, size: Size): Rle {
  const runs = new RleBuilder(size);
  for (let x = 0; x < width; x++)
    for (let y = 0; y < height; y++)
      if (bits[y * width + x] === 1) runs.add((left + x) * size.height + top + y, 1);
  return runs.finish();
}
