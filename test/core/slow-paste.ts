import type { Size } from '../../core/boxes.js';
import type { PastedMask } from '../../core/paste-mask.js';

/**
 * Grid sampling as defined: four cells around the pixel's center, zeros outside, inside the window only.
 *
 * @returns `[H, W]` row-major, probabilities before thresholding
 */
export function slowPaste({ mask, box }: PastedMask, { width, height }: Size): Float64Array {
  const [x1, y1, x2, y2] = Array.from(box);
  const S = Math.sqrt(mask.length);
  const at = (row: number, column: number): number =>
    row >= 0 && row < S && column >= 0 && column < S ? mask[row * S + column] : 0;
  const out = new Float64Array(width * height);
  const position = (pixel: number, low: number, high: number): number => {
    const g = ((pixel + 0.5 - low) / (high - low)) * 2 - 1;
    return (((Number.isFinite(g) ? g : 0) + 1) * S - 1) / 2;
  };
  for (let y = Math.max(0, Math.floor(y1) - 1); y < Math.min(height, Math.ceil(y2) + 1); y++) {
    for (let x = Math.max(0, Math.floor(x1) - 1); x < Math.min(width, Math.ceil(x2) + 1); x++) {
      const [u, v] = [position(x, x1, x2), position(y, y1, y2)];
      const [column, row] = [Math.floor(u), Math.floor(v)];
      const [fx, fy] = [u - column, v - row];
      out[y * width + x] =
        (1 - fy) * ((1 - fx) * at(row, column) + fx * at(row, column + 1)) +
        fy * ((1 - fx) * at(row + 1, column) + fx * at(row + 1, column + 1));
    }
  }
  return out;
}
