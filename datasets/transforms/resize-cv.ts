import { ShapeError } from '../../core/errors.js';
import type { LabelMap, RgbImage } from '../sample.js';
import { fullRect, isInside, type Rect, type Size } from './rect.js';
import { Scratch } from './scratch.js';

/** Size of the whole result and the part of it that is wanted. */
export interface CvResizeOptions {
  readonly size: Size;
  /** The part of the result that is computed and returned. Default: all. */
  readonly window?: Rect;
  /** Mirror the returned part left to right. */
  readonly mirrored?: boolean;
  /** Where the result is written; default a new array. */
  readonly out?: Uint8Array;
}

/** OpenCV's weights have 11 bits after the point. */
const ONE = 2048;

/**
 * Resizes like OpenCV's `INTER_LINEAR` on 8 bits, bit for bit: half-pixel centres, no antialiasing, 11-bit weights.
 * Only what `window` needs is computed.
 *
 * @param image `[H, W, 3]`
 * @returns `[window.height, window.width, 3]`
 * @throws ShapeError if the window reaches outside or `out` is too small
 * @see OpenCV 4.6, modules/imgproc/src/resize.cpp, resizeGeneric_ and VResizeLinear
 */
export function resizeLinearCv(
  image: RgbImage,
  options: CvResizeOptions,
  scratch: Scratch = new Scratch(),
): RgbImage {
  const { width, height, window, out } = prepare('resizeLinearCv', image, options, 3);
  const columns = linearTaps(image.width, options.size.width, window.x, width, options.mirrored);
  const rows = linearTaps(image.height, options.size.height, window.y, height, false);
  const rowValues = width * 3;
  // The two source rows between which outputs lie, filtered horizontally; enlarging uses each many times.
  let upper = scratch.int32('resize-cv upper', rowValues);
  let lower = scratch.int32('resize-cv lower', rowValues);
  let upperRow = -1;
  let lowerRow = -1;
  for (let y = 0; y < height; y++) {
    const y0 = clampIndex(rows.index[y], image.height);
    const y1 = clampIndex(rows.index[y] + 1, image.height);
    if (y0 === lowerRow) {
      [upper, lower] = [lower, upper];
      [upperRow, lowerRow] = [lowerRow, upperRow];
    }
    if (y0 !== upperRow) filterRow(image, y0, columns, upper);
    if (y1 !== lowerRow) filterRow(image, y1, columns, lower);
    [upperRow, lowerRow] = [y0, y1];
    blendRows(upper, lower, rows.weight0[y], rows.weight1[y], out, y * rowValues);
  }
  return { width, height, data: out };
}

/**
 * Resizes a label map like OpenCV's `INTER_NEAREST`: output `i` is input `floor(i · in / out)`.
 *
 * @param map `[H, W]`
 * @returns `[window.height, window.width]`
 * @throws ShapeError if the window reaches outside or `out` is too small
 */
export function resizeNearestCv(map: LabelMap, options: CvResizeOptions): LabelMap {
  const { width, height, window, out } = prepare('resizeNearestCv', map, options, 1);
  const columns = nearestCv(map.width, options.size.width, window.x, width);
  if (options.mirrored) columns.reverse();
  const rows = nearestCv(map.height, options.size.height, window.y, height);
  for (let y = 0, o = 0; y < height; y++) {
    const row = rows[y] * map.width;
    for (let x = 0; x < width; x++) out[o++] = map.data[row + columns[x]];
  }
  return { width, height, data: out };
}

/**
 * Which inputs OpenCV's nearest-neighbour resize takes, along one axis.
 *
 * @returns `int32 [length]`: the input index of outputs `offset … offset + length − 1`
 */
export function nearestCv(
  inputLength: number,
  outputLength: number,
  offset: number,
  length: number,
): Int32Array {
  const scale = 1 / (outputLength / inputLength);
  return Int32Array.from({ length }, (_, i) =>
    Math.min(Math.floor((offset + i) * scale), inputLength - 1),
  );
}

function prepare(
  where: string,
  image: Size,
  { size, window = fullRect(size), out }: CvResizeOptions,
  channels: number,
): Size & { readonly window: Rect; readonly out: Uint8Array } {
  if (!isInside(window, size) || image.width * image.height === 0)
    throw new ShapeError(
      `${where}: expected pixels and a window inside ${size.width}x${size.height}, got ` +
        `${window.width}x${window.height} at (${window.x}, ${window.y}) of an image ${image.width}x${image.height}`,
    );
  const { width, height } = window;
  const needed = width * height * channels;
  if (out !== undefined && out.length < needed)
    throw new ShapeError(`${where}: expected room for ${needed} bytes, got ${out.length}`);
  return { width, height, window, out: out?.subarray(0, needed) ?? new Uint8Array(needed) };
}

/** For every output the lower of its two inputs (may be −1 or the last) and the weights of both. */
interface LinearTaps {
  readonly inputLength: number;
  readonly index: Int32Array;
  readonly weight0: Int32Array;
  readonly weight1: Int32Array;
}

function linearTaps(
  inputLength: number,
  outputLength: number,
  offset: number,
  length: number,
  mirrored = false,
): LinearTaps {
  const scale = 1 / (outputLength / inputLength);
  const [index, weight0, weight1] = [0, 1, 2].map(() => new Int32Array(length));
  for (let i = 0; i < length; i++) {
    const output = offset + (mirrored ? length - 1 - i : i);
    const position = Math.fround((output + 0.5) * scale - 0.5);
    index[i] = Math.floor(position);
    const fraction = Math.fround(position - index[i]);
    weight0[i] = roundHalfEven(Math.fround(Math.fround(1 - fraction) * ONE));
    weight1[i] = roundHalfEven(Math.fround(fraction * ONE));
  }
  return { inputLength, index, weight0, weight1 };
}

function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

function clampIndex(index: number, length: number): number {
  return Math.min(Math.max(index, 0), length - 1);
}

/** One source row at the output columns, with the 4 bits dropped that OpenCV drops before the vertical step. */
function filterRow(
  { data, width }: RgbImage,
  row: number,
  { index, weight0, weight1 }: LinearTaps,
  out: Int32Array,
): void {
  const start = row * width * 3;
  const last = width - 1;
  for (let x = 0, o = 0; x < index.length; x++, o += 3) {
    const column = index[x];
    const isEdge = column < 0 || column >= last;
    const p = start + (column < 0 ? 0 : column >= last ? last : column) * 3;
    if (isEdge) {
      out[o] = (data[p] * ONE) >> 4;
      out[o + 1] = (data[p + 1] * ONE) >> 4;
      out[o + 2] = (data[p + 2] * ONE) >> 4;
      continue;
    }
    const a = weight0[x];
    const b = weight1[x];
    out[o] = (Math.imul(data[p], a) + Math.imul(data[p + 3], b)) >> 4;
    out[o + 1] = (Math.imul(data[p + 1], a) + Math.imul(data[p + 4], b)) >> 4;
    out[o + 2] = (Math.imul(data[p + 2], a) + Math.imul(data[p + 5], b)) >> 4;
  }
}

function blendRows(
  upper: Int32Array,
  lower: Int32Array,
  weight0: number,
  weight1: number,
  out: Uint8Array,
  offset: number,
): void {
  for (let x = 0, o = offset; x < upper.length; x++, o++)
    out[o] = ((Math.imul(upper[x], weight0) >> 16) + (Math.imul(lower[x], weight1) >> 16) + 2) >> 2;
}
