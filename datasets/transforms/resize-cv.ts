import { ShapeError } from '../../core/errors.js';
import type { RgbImage } from '../../core/image.js';
import { roundHalfEven } from '../../core/round.js';
import { fullRect, isInside, type Rect, type Size } from './rect.js';
import { imageKernels } from './scratch.js';

/** Size of the whole result, and the window to compute. */
interface CvResizeOptions {
  readonly size: Size;
  /** Window of the result that is computed and returned. Default: all. */
  readonly window?: Rect | undefined;
  /** Whether to flip the returned window horizontally. */
  readonly mirrored?: boolean | undefined;
  /** Destination; default: a new array. */
  readonly out?: Uint8Array | undefined;
}

/** Number of fractional bits of OpenCV's weights. */
const ONE = 2048;

/**
 * Resizes like OpenCV's `INTER_LINEAR` on 8 bits, bit for bit: half-pixel centers, no antialiasing, 11-bit weights. Only
 * `window` is computed.
 *
 * @param image `[H, W, 3]`
 * @returns `[window.height, window.width, 3]`
 * @throws ShapeError if the window extends outside or `out` is too small
 * @see OpenCV 4.6, modules/imgproc/src/resize.cpp, resizeGeneric_ and VResizeLinear
 */
export function resizeLinearCv(image: RgbImage, options: CvResizeOptions): RgbImage {
  const { width, height, window, out } = prepare(image, options);
  const columns = linearTaps(image.width, options.size.width, window.x, width, options.mirrored);
  const rows = linearTaps(image.height, options.size.height, window.y, height, false);
  const topRow = clampIndex(rows.index[0], image.height);
  const bottomRow = clampIndex(rows.index[height - 1] + 1, image.height);
  const kernels = imageKernels();
  const rowBytes = width * 3;
  const sourceBytes = image.width * 3;
  const at = kernels.layOut({
    taps: width * 8,
    rowA: rowBytes * 2,
    rowB: rowBytes * 2,
    source: (bottomRow - topRow + 1) * sourceBytes,
    out: height * rowBytes,
  });
  putTaps(columns, image.width, kernels.int32(at.taps, width * 2));
  const range = {
    start: topRow * sourceBytes,
    stride: sourceBytes,
    rowBytes: sourceBytes,
    numRows: bottomRow - topRow + 1,
  };
  kernels.copyRows(image.data, range, at.source);
  const filterRow = (row: number, to: number): void =>
    kernels.loops.cvColumns(at.source + (row - topRow) * sourceBytes, to, width, at.taps);
  // Cache of the two horizontally filtered source rows around the current output; upscaling uses each many times.
  let [upper, lower] = [at.rowA, at.rowB];
  let [upperRow, lowerRow] = [-1, -1];
  for (let y = 0; y < height; y++) {
    const y0 = clampIndex(rows.index[y], image.height);
    const y1 = clampIndex(rows.index[y] + 1, image.height);
    if (y0 === lowerRow) {
      [upper, lower] = [lower, upper];
      [upperRow, lowerRow] = [lowerRow, upperRow];
    }
    if (y0 !== upperRow) filterRow(y0, upper);
    if (y1 !== lowerRow) filterRow(y1, lower);
    [upperRow, lowerRow] = [y0, y1];
    const to = at.out + y * rowBytes;
    kernels.loops.cvRows(upper, lower, to, rowBytes, rows.weight0[y], rows.weight1[y]);
  }
  out.set(kernels.bytes(at.out, height * rowBytes));
  return { width, height, data: out };
}

/**
 * Computes the inputs of OpenCV's nearest-neighbor resize along one axis.
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
  image: Size,
  { size, window = fullRect(size), out }: CvResizeOptions,
): Size & { readonly window: Rect; readonly out: Uint8Array } {
  if (!isInside(window, size) || image.width * image.height === 0)
    throw new ShapeError(
      `resizeLinearCv: expected pixels and a window inside ${size.width}x${size.height}, got ` +
        `${window.width}x${window.height} at (${window.x}, ${window.y}) of an image ${image.width}x${image.height}`,
    );
  const { width, height } = window;
  const needed = width * height * 3;
  if (out !== undefined && out.length < needed)
    throw new ShapeError(`resizeLinearCv: expected room for ${needed} bytes, got ${out.length}`);
  return { width, height, window, out: out?.subarray(0, needed) ?? new Uint8Array(needed) };
}

/** For every output, the lower of its two inputs (may be −1 or the last) and the weights of both. */
interface LinearTaps {
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
  return { index, weight0, weight1 };
}

function clampIndex(index: number, length: number): number {
  return Math.min(Math.max(index, 0), length - 1);
}

/** Byte offset of the left pixel and both weights for every output; at the border only the edge pixel has weight. */
function putTaps(
  { index, weight0, weight1 }: LinearTaps,
  inputLength: number,
  out: Int32Array,
): void {
  for (let x = 0; x < index.length; x++) {
    const isEdge = index[x] < 0 || index[x] >= inputLength - 1;
    out[2 * x] = clampIndex(index[x], inputLength) * 3;
    out[2 * x + 1] = isEdge ? ONE : weight0[x] | (weight1[x] << 16);
  }
}
