import { extentOf } from '../../core/boxes.js';
import { blendPixel, type Picture, type Rgb } from './picture.js';

/** Rows per pixel at which an outline is sampled; along a row, coverage is exact. */
const ROWS_A_PIXEL = 4;

/**
 * Fills closed contours with soft edges by the nonzero winding rule, as in TrueType and PostScript fonts.
 *
 * @param contours `x, y` of the corners in pixels, one after another
 */
export function fillOutline(
  picture: Picture,
  contours: readonly (readonly number[])[],
  color: Rgb,
): void {
  const [x1, y1, x2, y2] = extentOf(contours);
  if (!(x1 <= x2)) return; // no corners
  const [left, top, right, bottom] = [Math.floor(x1), Math.floor(y1), Math.ceil(x2), Math.ceil(y2)];
  const row = new Float64Array(right - left + 1);
  for (let y = Math.max(0, top); y < Math.min(bottom, picture.height); y++) {
    row.fill(0);
    for (let s = 0; s < ROWS_A_PIXEL; s++)
      for (const [from, to] of spansAt(contours, y + (s + 0.5) / ROWS_A_PIXEL))
        addSpan(row, from - left, to - left);
    for (let x = 0; x < row.length; x++)
      if (row[x] > 0) blendPixel(picture, left + x, y, color, row[x] / ROWS_A_PIXEL);
  }
}

/** Parts of a horizontal line that are inside the contours. */
function spansAt(
  contours: readonly (readonly number[])[],
  y: number,
): readonly (readonly [from: number, to: number])[] {
  const crossings: { readonly x: number; readonly turn: number }[] = [];
  for (const points of contours)
    for (let i = 0; i < points.length; i += 2) {
      const j = (i + 2) % points.length;
      const [x1, y1, x2, y2] = [points[i], points[i + 1], points[j], points[j + 1]];
      if (y1 <= y === y2 <= y) continue;
      crossings.push({ x: x1 + ((y - y1) / (y2 - y1)) * (x2 - x1), turn: y2 > y1 ? 1 : -1 });
    }
  crossings.sort((a, b) => a.x - b.x);
  const spans: (readonly [number, number])[] = [];
  let winding = 0;
  let start = 0;
  for (const { x, turn } of crossings) {
    if (winding === 0) start = x;
    winding += turn;
    if (winding === 0) spans.push([start, x]);
  }
  return spans;
}

/** Adds the covered fraction of every cell between two positions. */
function addSpan(row: Float64Array, from: number, to: number): void {
  for (let x = Math.floor(from); x < to && x < row.length; x++)
    row[x] += Math.min(to, x + 1) - Math.max(from, x);
}
