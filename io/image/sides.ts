import type { Size } from '../../core/boxes.js';
import { ImageError } from '../../core/errors.js';
import { MAX_SIDE } from '../../core/image.js';

/** @throws ImageError for an image with a side longer than {@link MAX_SIDE} */
export function assertSides({ width, height }: Size, file: string): void {
  if (Math.max(width, height) > MAX_SIDE)
    throw ImageError.in(
      file,
      `expected sides of at most ${MAX_SIDE} pixels, got ${width}x${height}; cut it into several files`,
    );
}
