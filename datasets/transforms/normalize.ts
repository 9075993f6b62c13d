import { assertList, assertObject } from '../../core/arguments.js';
import { ShapeError } from '../../core/errors.js';
import type { RgbImage } from '../../core/image.js';
import * as t from '../../core/schema.js';
import type { Size } from './rect.js';
import { imageKernels } from './scratch.js';

/** Mean and standard deviation per channel (red, green, blue) in units of the full range: 1 is white. */
export const PixelStats = t.record({
  mean: t.list(t.number(), 3),
  std: t.list(t.POSITIVE, 3),
});
export type PixelStats = t.Infer<typeof PixelStats>;

/**
 * ImageNet's statistics, used by every official ConvNeXt V2 file; times 255 they are the detectors' 123.675, 116.28,
 * 103.53 / 58.395, 57.12, 57.375.
 */
export const IMAGENET_PIXELS: PixelStats = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/**
 * `(v / 255 − mean) / std` as `v · scale + shift` in float32. For ImageNet's statistics the error is at most 3.4e-7; that
 * of PyTorch's order of operations is 3.7e-7.
 *
 * @returns `[2, 3]`: scales, then shifts, of the channels
 */
export function normalizationTable(stats: PixelStats): Float32Array {
  assertObject('normalizationTable', 'mean and std', stats);
  assertList('normalizationTable', 'mean as a list', stats.mean);
  assertList('normalizationTable', 'std as a list', stats.std);
  const { mean, std } = stats;
  return Float32Array.of(
    ...std.map((deviation) => 1 / (255 * deviation)),
    ...mean.map((value, channel) => -value / std[channel]),
  );
}

/** Position of an image in a batch. */
export interface Placement {
  /** Index of the image's first value. */
  readonly offset: number;
  /** Number of values from one row to the next; default `3 · width`. */
  readonly rowStride?: number;
}

/**
 * Writes the normalized image into a batch, each value `fround(fround(v · scale) + shift)`; values between the rows do
 * not change.
 *
 * @param image `[H, W, 3]`
 * @param table of {@link normalizationTable}
 * @param batch e.g. `[N, H, W, 3]`
 * @throws ShapeError if the image doesn't fit
 */
export function normalizeInto(
  image: RgbImage,
  table: Float32Array,
  batch: Float32Array,
  placement: Placement,
): void {
  assertObject('normalizeInto', 'an image', image, 'width', 'height', 'data');
  assertList('normalizeInto', 'the values of normalizationTable', table);
  assertList('normalizeInto', 'a batch as Float32Array', batch);
  assertObject('normalizeInto', 'a placement with offset', placement);
  const { width, height, data } = image;
  const { offset, rowStride = width * 3 } = placement;
  const rowValues = width * 3;
  const end = offset + (height - 1) * rowStride + rowValues;
  if (offset < 0 || rowStride < rowValues || end > batch.length)
    throw new ShapeError(
      `normalizeInto: expected room for ${height} rows of ${rowValues} values, stride ${rowStride}, from ${offset}, ` +
        `got a batch of ${batch.length}`,
    );
  if (height === 0 || rowValues === 0) return;
  const kernels = imageKernels();
  const blockRows = Math.min(Math.max(Math.floor(BLOCK_VALUES / rowValues), 1), height);
  const at = kernels.layOut({
    affine: 24 * 4,
    source: blockRows * rowValues,
    out: blockRows * rowValues * 4,
  });
  kernels.float32(at.affine, 24).set(repeatedAffine(table));
  const source = kernels.bytes(at.source, blockRows * rowValues);
  const out = kernels.float32(at.out, blockRows * rowValues);
  for (let y = 0; y < height; y += blockRows) {
    const rows = Math.min(blockRows, height - y);
    source.set(data.subarray(y * rowValues, (y + rows) * rowValues));
    kernels.loops.normalize(at.source, at.out, rows * rowValues, at.affine);
    for (let r = 0; r < rows; r++)
      batch.set(out.subarray(r * rowValues, (r + 1) * rowValues), offset + (y + r) * rowStride);
  }
}

/**
 * Number of values normalized at a time, which stay in a first- or second-level cache until they are copied to the batch.
 */
const BLOCK_VALUES = 16384;

/** Scales of twelve values of an RGB row, then their shifts. */
function repeatedAffine(table: Float32Array): Float32Array {
  return Float32Array.from({ length: 24 }, (_, i) => table[(i < 12 ? 0 : 3) + (i % 3)]);
}

/**
 * Writes the normalized image to the upper left corner of a canvas and zeros to the rest: padding after normalization.
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
