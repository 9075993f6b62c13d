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

/** Finds the smallest rectangle that holds the foreground of a mask; undefined for an empty one. */
export function rleBounds({ height, counts }: Rle): Rect | undefined {
  let [x1, y1, x2, y2] = [Infinity, Infinity, 0, 0]; // x2 and y2 are outside
  let from = 0;
  counts.forEach((run, i) => {
    if (i % 2 === 1 && run > 0) {
      const [first, last] = [Math.floor(from / height), Math.floor((from + run - 1) / height)];
      // A run that goes on in the next column ends at the bottom and begins at the top.
      const isTall = last > first;
      x1 = Math.min(x1, first);
      x2 = Math.max(x2, last + 1);
      y1 = isTall ? 0 : Math.min(y1, from - first * height);
      y2 = isTall ? height : Math.max(y2, from + run - last * height);
    }
    from += run;
  });
  return x1 < x2 ? { x: x1, y: y1, width: x2 - x1, height: y2 - y1 } : undefined;
}
