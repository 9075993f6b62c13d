import type { RgbImage } from '../../core/image.js';
import type { Size } from '../../core/boxes.js';
import type { Rect } from '../../core/rect.js';
import { displayedSize, swapsSides } from '../image-header/orientation.js';

/** Orientations of EXIF that begin at the last column, and at the bottom row, of the stored pixels. */
const MIRRORED = [2, 3, 7, 8];
const FLIPPED = [3, 4, 6, 7];

/**
 * Turns and mirrors the stored pixels of an image so that they are upright.
 *
 * @param orientation 1–8 of EXIF; other numbers change nothing
 */
export function uprightImage(image: RgbImage, orientation: number): RgbImage {
  if (!(orientation >= 2 && orientation <= 8)) return image;
  const { width, height } = displayedSize(image, orientation);
  const { data } = image;
  const [last, bottom] = [image.width - 1, image.height - 1];
  // Stored position of the pixel (0, 0), and its steps to the right and down in the displayed image.
  const mirrored = MIRRORED.includes(orientation);
  const flipped = FLIPPED.includes(orientation);
  const start = (mirrored ? last : 0) + (flipped ? bottom : 0) * image.width;
  const [column, row] = [mirrored ? -1 : 1, flipped ? -image.width : image.width];
  const [right, down] = swapsSides(orientation) ? [row, column] : [column, row];
  const upright = new Uint8Array(data.length); // [height, width, 3]
  for (let y = 0, o = 0; y < height; y++) {
    let from = 3 * (start + y * down);
    for (let x = 0; x < width; x++, from += 3 * right) {
      upright[o++] = data[from];
      upright[o++] = data[from + 1];
      upright[o++] = data[from + 2];
    }
  }
  return { width, height, data: upright };
}

/**
 * Finds the stored pixels of a rectangle of the displayed image; {@link uprightImage} of them is the rectangle.
 *
 * @param stored size of the stored pixels
 * @param orientation 1–8 of EXIF; other numbers change nothing
 */
export function storedRect(rect: Rect, stored: Size, orientation: number): Rect {
  const { x, y, width, height } = rect;
  const [across, along] = swapsSides(orientation) ? [y, x] : [x, y];
  const [wide, high] = swapsSides(orientation) ? [height, width] : [width, height];
  return {
    x: MIRRORED.includes(orientation) ? stored.width - across - wide : across,
    y: FLIPPED.includes(orientation) ? stored.height - along - high : along,
    width: wide,
    height: high,
  };
}
