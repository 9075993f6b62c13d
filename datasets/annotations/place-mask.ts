import type { Size } from '../../core/boxes.js';
import type { DrawnRegion } from '../../core/drawn-region.js';
import { cropRle, forEachPiece, RleBuilder } from '../../core/rle-crop.js';
import type { Rle } from '../../core/rle.js';

/**
 * Moves a mask of a part of an image to the image.
 *
 * @param left column of the image at which the mask begins, pixels; the mask is inside the image
 * @param top row of the image at which the mask begins, pixels
 */
export function placeMask(mask: Rle, left: number, top: number, image: Size): Rle {
  const placed = new RleBuilder(image);
  forEachPiece(mask, (column, from, to) => {
    placed.add((left + column) * image.height + top + from, to - from);
  });
  return placed.finish();
}

/** Converts a drawn mask to one of the whole image; pixels beyond it are cut off. */
export function wholeMask(
  { x, y, mask }: Extract<DrawnRegion, { readonly kind: 'mask' }>,
  image: Size,
): Rle {
  const [left, top] = [Math.max(0, -x), Math.max(0, -y)];
  const width = Math.min(mask.width, image.width - x) - left;
  const height = Math.min(mask.height, image.height - y) - top;
  if (width <= 0 || height <= 0) return new RleBuilder(image).finish();
  const isWhole = width === mask.width && height === mask.height;
  const inside = isWhole ? mask : cropRle(mask, { x: left, y: top, width, height });
  return placeMask(inside, x + left, y + top, image);
}
