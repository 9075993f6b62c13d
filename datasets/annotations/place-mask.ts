import type { Size } from '../../core/boxes.js';
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
