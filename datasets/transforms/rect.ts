import type { Size } from '../../core/boxes.js';
import type { Rect } from '../../core/rect.js';

export type { Size } from '../../core/boxes.js';
export type { Rect } from '../../core/rect.js';

/** The whole image as a rectangle. */
export function fullRect({ width, height }: Size): Rect {
  return { x: 0, y: 0, width, height };
}

/** Whether `inner` is not empty and lies inside an image of `size`. */
export function isInside(inner: Rect, size: Size): boolean {
  return (
    inner.x >= 0 &&
    inner.y >= 0 &&
    inner.width > 0 &&
    inner.height > 0 &&
    inner.x + inner.width <= size.width &&
    inner.y + inner.height <= size.height
  );
}
