import { ShapeError } from '../../core/errors.js';
import type { RgbImage } from '../../core/image.js';
import { axisWeights, type AxisWeights, type PilFilter } from './pil-coefficients.js';
import { fullRect, isInside, type Rect, type Size } from './rect.js';
import { imageKernels } from './scratch.js';

/** Options of {@link resizePil}. */
interface PilResizeOptions {
  readonly filter: PilFilter;
  /** Size of the whole result. */
  readonly size: Size;
  /** Crop applied before the filter, which uses no pixels outside. Default: the whole image. */
  readonly crop?: Rect | undefined;
  /** `[x1, y1, x2, y2]` in pixels of the crop, may be fractional; taps extend beyond it as in Pillow. Default: all. */
  readonly box?: readonly [number, number, number, number] | undefined;
  /** Window of the result that is computed and returned. Default: all. */
  readonly window?: Rect | undefined;
  /** Whether to flip the returned window horizontally. */
  readonly mirrored?: boolean | undefined;
  /** Destination, at least `[window.height, window.width, 3]`; default: a new array. */
  readonly out?: Uint8Array | undefined;
}

/**
 * Resizes like Pillow's `Image.resize` with antialiasing, bit for bit: a horizontal and a vertical pass in 22-bit fixed
 * point, rounded to 8 bits between the passes. Only `window` is computed.
 *
 * @param image `[H, W, 3]`
 * @returns `[window.height, window.width, 3]`
 * @throws ShapeError if a rectangle extends outside or a size is not positive
 * @see Pillow 9.4, src/libImaging/Resample.c
 */
export function resizePil(image: RgbImage, options: PilResizeOptions): RgbImage {
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
  const out = options.out ?? new Uint8Array(window.width * window.height * 3);
  if (out.length < window.width * window.height * 3)
    throw new ShapeError(
      `resizePil: expected room for ${window.width * window.height * 3} bytes, got ${out.length}`,
    );
  const data = out.subarray(0, window.width * window.height * 3);
  filter2d(image, crop, { columns, rows }, data);
  return { width: window.width, height: window.height, data };
}

/** Computes the horizontal pass for the rows that the vertical pass needs, then the vertical pass. */
function filter2d(
  image: RgbImage,
  crop: Rect,
  { columns, rows }: { readonly columns: AxisWeights; readonly rows: AxisWeights },
  out: Uint8Array,
): void {
  const kernels = imageKernels();
  const [width, height] = [columns.first.length, rows.first.length];
  const rowStart = rows.first[0];
  const numRows = rows.first[height - 1] + rows.count[height - 1] - rowStart;
  const rowBytes = width * 3;
  const sourceBytes = crop.width * 3;
  const at = kernels.layOut({
    columnFirst: width * 4,
    columnPairs: width * 4,
    columnWeights: columns.weights.byteLength,
    rowFirst: height * 4,
    rowPairs: height * 4,
    rowWeights: rows.weights.byteLength,
    source: numRows * sourceBytes,
    // One more row: with an odd number of taps, the next row is read with weight zero.
    between: (numRows + 1) * rowBytes,
    out: height * rowBytes,
  });
  const putWeights = (
    { first, numPairs, weights }: AxisWeights,
    [firstAt, pairsAt, weightsAt]: readonly [number, number, number],
    byteOffset: (first: number) => number,
  ): void => {
    kernels.int32(firstAt, first.length).set(first.map(byteOffset));
    kernels.int32(pairsAt, numPairs.length).set(numPairs);
    kernels.int32(weightsAt, weights.length).set(weights);
  };
  putWeights(columns, [at.columnFirst, at.columnPairs, at.columnWeights], (x) => x * 3);
  putWeights(rows, [at.rowFirst, at.rowPairs, at.rowWeights], (y) => (y - rowStart) * rowBytes);
  const start = ((crop.y + rowStart) * image.width + crop.x) * 3;
  const range = { start, stride: image.width * 3, rowBytes: sourceBytes, numRows };
  kernels.copyRows(image.data, range, at.source);
  kernels.loops.pilColumns(
    at.source,
    sourceBytes,
    numRows,
    at.between,
    width,
    at.columnFirst,
    at.columnPairs,
    at.columnWeights,
    columns.maxPairs * 8,
  );
  kernels.loops.pilRows(
    at.between,
    rowBytes,
    at.out,
    height,
    at.rowFirst,
    at.rowPairs,
    at.rowWeights,
    rows.maxPairs * 8,
  );
  out.set(kernels.bytes(at.out, height * rowBytes));
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
