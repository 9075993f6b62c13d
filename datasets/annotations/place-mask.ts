import type { Size } from '../../core/boxes.js';
import type { DrawnRegion } from '../../core/drawn-region.js';
import { cropRle } from '../../core/rle-crop.js';
import type { Rle } from '../../core/rle.js';

/**
 * Moves a mask of a part of an image to the image.
 *
 * @param left column of the image at which the mask begins, pixels; the mask is inside the image
 * @param top row of the image at which the mask begins, pixels
 */
export function placeMask(mask: Rle, left: number, top: number, image: Size): Rle {
  const counts: number[] = [];
  let end = 0; // of the last foreground run, in the image's column-major order
  let position = 0;
  mask.counts.forEach((run, i) => {
    // A run of foreground is cut at the columns of the mask, and joined where they are as high as the image.
    for (let rest = i % 2 === 1 ? run : 0, from = position; rest > 0;) {
      const y = from % mask.height;
      const length = Math.min(rest, mask.height - y);
      const start = (left + (from - y) / mask.height) * image.height + top + y;
      if (start === end && counts.length > 0) counts[counts.length - 1] += length;
      else counts.push(start - end, length);
      end = start + length;
      from += length;
      rest -= length;
    }
    position += run;
  });
  const rest = image.width * image.height - end;
  if (rest > 0 || counts.length === 0) counts.push(rest);
  return { height: image.height, width: image.width, counts: Uint32Array.from(counts) };
}

/** Converts a drawn mask to one of the whole image; pixels beyond it are cut off. */
export function wholeMask(
  { x, y, mask }: Extract<DrawnRegion, { readonly kind: 'mask' }>,
  image: Size,
): Rle {
  const [left, top] = [Math.max(0, -x), Math.max(0, -y)];
  const width = Math.min(mask.width, image.width - x) - left;
  const height = Math.min(mask.height, image.height - y) - top;
  if (width <= 0 || height <= 0)
    return {
      height: image.height,
      width: image.width,
      counts: Uint32Array.of(image.height * image.width),
    };
  const isWhole = width === mask.width && height === mask.height;
  const inside = isWhole ? mask : cropRle(mask, { x: left, y: top, width, height });
  return placeMask(inside, x + left, y + top, image);
}
