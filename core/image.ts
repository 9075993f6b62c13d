import type { Rect } from './rect.js';

/** An 8-bit RGB image, row-major. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  /** `[H, W, 3]`, 0–255. */
  readonly data: Uint8Array;
}

/** Most pixels of an image that is decoded whole. Pillow's limit for decompression bombs: twice a quarter GiB of RGB pixels. */
export const MAX_PIXELS = 178_956_970;

/** Longest side of an image file, that of OpenCV: decoders and results hold whole rows and columns, several times. */
export const MAX_SIDE = 2 ** 20;

/** An image that is read in parts, because it may be too large for memory. */
export interface ImageParts {
  readonly width: number;
  readonly height: number;
  /**
   * Reads a part, `[height, width, 3]` of the rectangle. Parts next to each other in order of rows are read fastest.
   *
   * @param rect inside the image
   */
  part(rect: Rect): RgbImage | Promise<RgbImage>;
}

/** Parts of an image in memory. */
export function partsOf(image: RgbImage): ImageParts {
  const { width, height } = image;
  return { width, height, part: (rect) => cutImage(image, rect) };
}

/** Cuts a rectangle out of an image; the whole image is not copied. @param rect inside the image */
export function cutImage(image: RgbImage, { x, y, width, height }: Rect): RgbImage {
  if (width === image.width && height === image.height) return image;
  const data = new Uint8Array(3 * width * height);
  for (let row = 0; row < height; row++) {
    const from = 3 * ((y + row) * image.width + x);
    data.set(image.data.subarray(from, from + 3 * width), 3 * row * width);
  }
  return { width, height, data };
}

/** An 8-bit label map, row-major; 255 is ignored. */
export interface LabelMap {
  readonly width: number;
  readonly height: number;
  /** `[H, W]`. */
  readonly data: Uint8Array;
}

/** Label of pixels that losses and metrics ignore. */
export const IGNORED_LABEL = 255;
