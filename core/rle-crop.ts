import type { Rect } from './rect.js';
import type { Rle } from './rle.js';

/**
 * Cuts a rectangle out of a mask.
 *
 * @param rect inside the mask, not empty
 * @returns mask of the rectangle's size
 */
export function cropRle(mask: Rle, { x, y, width, height }: Rect): Rle {
  const counts: number[] = [];
  let end = 0; // of the last foreground run, in the rectangle's column-major order
  let from = 0;
  mask.counts.forEach((run, i) => {
    const to = from + run;
    if (i % 2 === 1) {
      const last = Math.min(x + width, Math.ceil(to / mask.height));
      for (let column = Math.max(x, Math.floor(from / mask.height)); column < last; column++) {
        const top = column * mask.height;
        const begin = Math.max(y, from - top);
        const length = Math.min(y + height, to - top) - begin;
        if (length <= 0) continue;
        const start = (column - x) * height + begin - y;
        if (start === end && counts.length > 0) counts[counts.length - 1] += length;
        else counts.push(start - end, length);
        end = start + length;
      }
    }
    from = to;
  });
  const rest = width * height - end;
  if (rest > 0 || counts.length === 0) counts.push(rest);
  return { height, width, counts: Uint32Array.from(counts) };
}
