import type { Size } from './boxes.js';
import type { Rect } from './rect.js';
import type { Rle } from './rle.js';

/** Calls `visit` for every vertical run of foreground: its column, and rows from `top` to before `bottom`. */
export function forEachPiece(
  { height, counts }: Rle,
  visit: (column: number, top: number, bottom: number) => void,
): void {
  for (let run = 0, end = 0; run < counts.length; run++) {
    let at = end;
    end += counts[run];
    if (run % 2 === 0) continue;
    while (at < end) {
      const column = Math.floor(at / height);
      const bottom = Math.min(end - column * height, height);
      visit(column, at - column * height, bottom);
      at = column * height + bottom;
    }
  }
}

/** Builder of a mask from its foreground, which is added in column-major order. */
export class RleBuilder {
  private readonly counts: number[] = [];
  /** End of the last foreground run. */
  private end = 0;

  constructor(private readonly size: Size) {}

  /** Adds pixels of foreground; those that follow the last ones join their run. @param start place in column-major order */
  add(start: number, length: number): void {
    const { counts, end } = this;
    if (start === end && counts.length > 0) counts[counts.length - 1] += length;
    else counts.push(start - end, length);
    this.end = start + length;
  }

  /** Returns the mask, whose other pixels are background. */
  finish(): Rle {
    const { height, width } = this.size;
    const rest = width * height - this.end;
    if (rest > 0 || this.counts.length === 0) this.counts.push(rest);
    return { height, width, counts: Uint32Array.from(this.counts) };
  }
}

/**
 * Cuts a rectangle out of a mask.
 *
 * @param rect inside the mask, not empty
 * @returns mask of the rectangle's size
 */
export function cropRle(mask: Rle, { x, y, width, height }: Rect): Rle {
  const cropped = new RleBuilder({ width, height });
  forEachPiece(mask, (column, from, to) => {
    if (column < x || column >= x + width) return;
    const [top, bottom] = [Math.max(y, from), Math.min(y + height, to)];
    if (top < bottom) cropped.add((column - x) * height + top - y, bottom - top);
  });
  return cropped.finish();
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
