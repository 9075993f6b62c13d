import type { MaskGrid } from '../core/mask-targets.js';
import type { Rle } from '../core/rle.js';
import { cutForeground } from '../datasets/transforms/mask-grid.js';

/**
 * Transforms a mask by a grid to a bitmap: the oracle and the baseline of training, which computes targets from the
 * runs instead.
 *
 * @param out destination; default: a new array
 * @returns `[rows, columns]`, 0 or 1
 */
export function maskThroughGrid(
  mask: Rle,
  { rows, columns }: MaskGrid,
  out: Uint8Array = new Uint8Array(rows.length * columns.length),
): Uint8Array {
  const { left, top, width, height, bits } = cutForeground(mask);
  const rowLength = columns.length;
  const isInside = (column: number): boolean => column >= left && column < left + width;
  const first = columns.findIndex(isInside);
  const end = columns.findLastIndex(isInside) + 1;
  for (let y = 0; y < rows.length; y++) {
    const to = y * rowLength;
    const row = rows[y] - top;
    // Upscaling repeats rows.
    if (y > 0 && rows[y] === rows[y - 1]) out.copyWithin(to, to - rowLength, to);
    else {
      out.fill(0, to, to + rowLength);
      if (row < 0 || row >= height) continue;
      const base = row * width - left;
      for (let x = Math.max(first, 0); x < end; x++) out[to + x] = bits[base + columns[x]];
    }
  }
  return out;
}
