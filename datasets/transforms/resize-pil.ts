import { ShapeError } from '../../core/errors.js';
import type { RgbImage } from '../sample.js';
import {
  axisWeights,
  PRECISION_BITS,
  type AxisWeights,
  type PilFilter,
} from './pil-coefficients.js';
import { fullRect, isInside, type Rect, type Size } from './rect.js';
import { Scratch } from './scratch.js';

/** What {@link resizePil} does beyond filtering. */
export interface PilResizeOptions {
  readonly filter: PilFilter;
  /** Size of the whole result. */
  readonly size: Size;
  /** Cut this out first: the filter sees nothing outside. Default: the whole image. */
  readonly crop?: Rect;
  /** `[x1, y1, x2, y2]` in pixels of the cut image, may be fractional; taps reach beyond it as in Pillow. Default: all. */
  readonly box?: readonly [number, number, number, number];
  /** The part of the result that is computed and returned. Default: all. */
  readonly window?: Rect;
  /** Mirror the returned part left to right. */
  readonly mirrored?: boolean;
  /** Where the result is written, at least `[window.height, window.width, 3]`; default a new array. */
  readonly out?: Uint8Array;
}

/**
 * Resizes like Pillow's `Image.resize` with antialiasing, bit for bit: a horizontal and a vertical pass in 22-bit fixed point,
 * rounded to 8 bits between the passes. Only what `window` needs is computed.
 *
 * @param image `[H, W, 3]`
 * @returns `[window.height, window.width, 3]`
 * @throws ShapeError if a rectangle reaches outside or a size is not positive
 * @see Pillow 9.4, src/libImaging/Resample.c
 */
export function resizePil(
  image: RgbImage,
  options: PilResizeOptions,
  scratch: Scratch = new Scratch(),
): RgbImage {
  const { filter, size, mirrored = false } = options;
  const crop = options.crop ?? fullRect(image);
  const window = options.window ?? fullRect(size);
  const box = options.box ?? [0, 0, crop.width, crop.height];
  assertRegions(image, crop, size, window, box);
  const columns = axisWeights(filter, {
    inputLength: crop.width,
    outputLength: size.width,
    from: box[0],
    to: box[2],
    offset: window.x,
    length: window.width,
    mirrored,
  });
  const rows = axisWeights(filter, {
    inputLength: crop.height,
    outputLength: size.height,
    from: box[1],
    to: box[3],
    offset: window.y,
    length: window.height,
  });
  const last = window.height - 1;
  const rowStart = rows.first[0];
  const rowCount = rows.first[last] + rows.count[last] - rowStart;
  const rowBytes = window.width * 3;
  const between = new Uint8ClampedArray(
    scratch.bytes('resize-pil', rowCount * rowBytes).buffer,
    0,
    rowCount * rowBytes,
  ); // [rowCount, window.width, 3]
  const start = ((crop.y + rowStart) * image.width + crop.x) * 3;
  filterColumns(image.data, start, image.width * 3, columns, rowCount, between);
  const out = options.out ?? new Uint8Array(window.height * rowBytes);
  if (out.length < window.height * rowBytes)
    throw new ShapeError(
      `resizePil: expected room for ${window.height * rowBytes} bytes, got ${out.length}`,
    );
  const clamped = new Uint8ClampedArray(out.buffer, out.byteOffset, out.length);
  filterRows(
    between,
    rowStart,
    rowBytes,
    rows,
    scratch.int32('resize-pil sums', rowBytes),
    clamped,
  );
  const data = out.subarray(0, window.height * rowBytes);
  return { width: window.width, height: window.height, data };
}

function assertRegions(
  image: Size,
  crop: Rect,
  size: Size,
  window: Rect,
  box: readonly [number, number, number, number],
): void {
  const describe = (r: Rect): string => `${r.width}x${r.height} at (${r.x}, ${r.y})`;
  if (!isInside(crop, image))
    throw new ShapeError(
      `resizePil: expected a crop inside ${image.width}x${image.height}, got ${describe(crop)}`,
    );
  if (!isInside(window, size))
    throw new ShapeError(
      `resizePil: expected a window inside ${size.width}x${size.height}, got ${describe(window)}`,
    );
  const [x1, y1, x2, y2] = box;
  if (!(x1 >= 0 && y1 >= 0 && x2 > x1 && y2 > y1 && x2 <= crop.width && y2 <= crop.height))
    throw new ShapeError(
      `resizePil: expected a box inside ${crop.width}x${crop.height}, got [${box.join(', ')}]`,
    );
}

const HALF = 1 << (PRECISION_BITS - 1);

/** `[rowCount, W, 3]` from the source rows that begin at `start`; `out` clamps to 0–255. */
function filterColumns(
  source: Uint8Array,
  start: number,
  stride: number,
  { taps, first, count, weights }: AxisWeights,
  rowCount: number,
  out: Uint8ClampedArray,
): void {
  const width = first.length;
  for (let y = 0, o = 0; y < rowCount; y++) {
    const row = start + y * stride;
    for (let x = 0; x < width; x++, o += 3) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let p = row + first[x] * 3;
      let w = x * taps;
      for (const end = w + count[x]; w < end; w++, p += 3) {
        const weight = weights[w];
        red = (red + Math.imul(source[p], weight)) | 0;
        green = (green + Math.imul(source[p + 1], weight)) | 0;
        blue = (blue + Math.imul(source[p + 2], weight)) | 0;
      }
      out[o] = red >> PRECISION_BITS;
      out[o + 1] = green >> PRECISION_BITS;
      out[o + 2] = blue >> PRECISION_BITS;
    }
  }
}

/** `[H, rowBytes]` from the rows of `between`, of which the first is input row `rowStart`; four taps at a time. */
function filterRows(
  between: Uint8ClampedArray,
  rowStart: number,
  rowBytes: number,
  { taps, first, count, weights }: AxisWeights,
  sums: Int32Array,
  out: Uint8ClampedArray,
): void {
  const height = first.length;
  const lastRow = between.length / rowBytes - 1;
  for (let y = 0; y < height; y++) {
    const top = first[y] - rowStart;
    sums.fill(HALF);
    for (let t = 0; t < count[y]; t += 4) {
      // Unused taps have weight zero and may look at any row.
      const row = (tap: number): number => Math.min(top + t + tap, lastRow) * rowBytes;
      const [p0, p1, p2, p3] = [row(0), row(1), row(2), row(3)];
      const w = y * taps + t;
      const [w0, w1, w2, w3] = [weights[w], weights[w + 1], weights[w + 2], weights[w + 3]];
      for (let x = 0; x < rowBytes; x++) {
        sums[x] =
          (sums[x] +
            Math.imul(between[p0 + x], w0) +
            Math.imul(between[p1 + x], w1) +
            Math.imul(between[p2 + x], w2) +
            Math.imul(between[p3 + x], w3)) |
          0;
      }
    }
    for (let x = 0, o = y * rowBytes; x < rowBytes; x++, o++) out[o] = sums[x] >> PRECISION_BITS;
  }
}
