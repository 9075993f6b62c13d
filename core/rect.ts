import type { Size } from './boxes.js';

/** A rectangle of whole pixels, `x … x + width − 1` by `y … y + height − 1`. */
export interface Rect extends Size {
  readonly x: number;
  readonly y: number;
}

/** Returns the common part of two rectangles; a side is 0 or negative where they do not meet. */
export function commonRect(a: Rect, b: Rect): Rect {
  const [x, y] = [Math.max(a.x, b.x), Math.max(a.y, b.y)];
  return {
    x,
    y,
    width: Math.min(a.x + a.width, b.x + b.width) - x,
    height: Math.min(a.y + a.height, b.y + b.height) - y,
  };
}
