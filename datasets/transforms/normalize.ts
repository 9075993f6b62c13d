import { ShapeError } from '../../core/errors.js';
import type { RgbImage } from '../sample.js';
import type { Size } from './rect.js';

/** Mean and standard deviation per channel (red, green, blue) in units of the full range: 1 is white. */
export interface PixelStats {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** ImageNet's, used by every official ConvNeXt V2 file; times 255 it is the detectors' 123.675, 116.28, 103.53 / 58.395, 57.12, 57.375. */
export const IMAGENET_PIXELS: PixelStats = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/**
 * `(v / 255 − mean) / std` of every 8-bit value, in float64 rounded once.
 *
 * @returns `[3, 256]`
 */
export function normalizationTable({ mean, std }: PixelStats): Float32Array {
  return Float32Array.from({ length: 768 }, (_, i) => {
    const channel = i >> 8;
    return ((i & 255) / 255 - mean[channel]) / std[channel];
  });
}

/** Where an image lies in a batch. */
export interface Placement {
  /** Index of the image's first value. */
  readonly offset: number;
  /** Values from one row to the next; default `3 · width`. */
  readonly rowStride?: number;
}

/**
 * Writes the normalised image into a batch; what lies between the rows is left alone.
 *
 * @param image `[H, W, 3]`
 * @param table of {@link normalizationTable}
 * @param batch e.g. `[N, H, W, 3]`
 * @throws ShapeError if the image doesn't fit
 */
export function normalizeInto(
  { width, height, data }: RgbImage,
  table: Float32Array,
  batch: Float32Array,
  { offset, rowStride = width * 3 }: Placement,
): void {
  const rowValues = width * 3;
  const end = offset + (height - 1) * rowStride + rowValues;
  if (offset < 0 || rowStride < rowValues || end > batch.length)
    throw new ShapeError(
      `normalizeInto: expected room for ${height} rows of ${rowValues} values, stride ${rowStride}, from ${offset}, ` +
        `got a batch of ${batch.length}`,
    );
  for (let y = 0, p = 0; y < height; y++) {
    for (let o = offset + y * rowStride, rowEnd = o + rowValues; o < rowEnd; o += 3, p += 3) {
      batch[o] = table[data[p]];
      batch[o + 1] = table[256 + data[p + 1]];
      batch[o + 2] = table[512 + data[p + 2]];
    }
  }
}

/**
 * Writes the normalised image into the upper left corner of a canvas and zeros into the rest, which is what padding after
 * normalising means.
 *
 * @param image `[h, w, 3]`
 * @param batch e.g. `[N, H, W, 3]`
 * @param canvas `H` and `W`, and the index of the canvas's first value
 * @throws ShapeError if the image doesn't fit
 */
export function normalizePadded(
  image: RgbImage,
  table: Float32Array,
  batch: Float32Array,
  { width, height, offset }: Size & { readonly offset: number },
): void {
  if (image.width > width || image.height > height)
    throw new ShapeError(
      `normalizePadded: expected an image of at most ${width}x${height}, got ${image.width}x${image.height}`,
    );
  const rowStride = width * 3;
  normalizeInto(image, table, batch, { offset, rowStride });
  for (let y = 0; y < image.height; y++)
    batch.fill(0, offset + y * rowStride + image.width * 3, offset + (y + 1) * rowStride);
  batch.fill(0, offset + image.height * rowStride, offset + height * rowStride);
}
