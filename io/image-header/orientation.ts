import type { Size } from '../../core/boxes.js';

/**
 * Converts the size of stored pixels to that of the displayed image, and back: EXIF orientations 5 to 8 swap the sides.
 *
 * @see Exif 2.32, section 4.6.4
 */
export function displayedSize({ width, height }: Size, orientation: number): Size {
  return swapsSides(orientation) ? { width: height, height: width } : { width, height };
}

/** Whether an orientation turns an image by a quarter. */
export function swapsSides(orientation: number): boolean {
  return orientation >= 5 && orientation <= 8;
}
