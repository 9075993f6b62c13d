import { assertList, describedValue } from './arguments.js';
import { DataError, ShapeError, quote } from './errors.js';

/**
 * A binary mask as run lengths in column-major order. The first run is background and may have length 0. The runs sum
 * to `height · width`.
 *
 * @see the mask API of COCO: https://github.com/cocodataset/cocoapi/blob/8c9bcc3/common/maskApi.c
 */
export interface Rle {
  readonly height: number;
  readonly width: number;
  readonly counts: Uint32Array;
}

/** `[x, y, width, height]` in pixels, COCO's format of boxes. */
export type XywhBox = readonly [x: number, y: number, width: number, height: number];

/**
 * Checks run lengths read from a file and makes an RLE of them.
 *
 * @param counts whole numbers ≥ 0 that sum to `height · width`; runs of length 0 are kept
 * @throws DataError if a run is not such a number or the sum differs
 */
export function rleFromCounts(counts: ArrayLike<number>, height: number, width: number): Rle {
  assertMaskSize('rleFromCounts', height, width);
  const runs = new Uint32Array(counts.length);
  let sum = 0;
  for (let i = 0; i < runs.length; i++) {
    const run = counts[i];
    if (!Number.isInteger(run) || run < 0 || run > 0x7fffffff)
      throw new DataError(`rleFromCounts: expected whole run lengths >= 0, got ${String(run)}`);
    sum += runs[i] = run;
  }
  assertRunSum('rleFromCounts', sum, height, width);
  return { height, width, counts: runs };
}

/**
 * Encodes a mask as run lengths.
 *
 * @param mask `[height, width]` row-major, 0 for background, anything else for foreground
 * @param maxRuns largest number of runs, for masks of files
 * @throws DataError if the length is not `height · width`, or there are more runs
 *
 * @example
 *   ```ts
 *   const rle = encodeRle([0, 1, 1, 0, 1, 1], 2, 3); // two rows of three pixels
 *   console.log(rleArea(rle), rleBox(rle)); // 4 [ 1, 0, 2, 2 ]
 *   console.log(rleToString(rle)); // as in the `counts` of COCO files
 *   ```
 */
export function encodeRle(
  mask: ArrayLike<number>,
  height: number,
  width: number,
  maxRuns = Infinity,
): Rle {
  assertMaskSize('encodeRle', height, width);
  if (mask.length !== height * width)
    throw new DataError(
      `encodeRle: expected ${height} x ${width} = ${height * width} pixels, got ${mask.length}`,
    );
  const runs: number[] = [];
  let value = 0;
  let run = 0;
  for (let x = 0; x < width; x++) {
    for (let at = x; at < mask.length; at += width) {
      const pixel = mask[at] === 0 ? 0 : 1;
      if (pixel !== value) {
        runs.push(run);
        run = 0;
        value = pixel;
      }
      run++;
    }
    if (runs.length > maxRuns)
      throw new DataError(`encodeRle: expected a mask of at most ${maxRuns} runs, got more`);
  }
  runs.push(run);
  return { height, width, counts: Uint32Array.from(runs) };
}

/** Decodes runs to a mask, `[height, width]` row-major, 0 or 1. */
export function decodeRle(rle: Rle): Uint8Array {
  assertRle('decodeRle', rle);
  const { height, width, counts } = rle;
  const mask = new Uint8Array(height * width);
  let x = 0;
  let y = 0;
  for (let i = 0; i < counts.length; i++) {
    if (i % 2 === 0) {
      const at = x * height + y + counts[i];
      x = height > 0 ? Math.floor(at / height) : 0;
      y = at - x * height;
      continue;
    }
    let left = counts[i];
    while (left > 0) {
      const stop = Math.min(height, y + left);
      left -= stop - y;
      for (let at = y * width + x; y < stop; y++, at += width) mask[at] = 1;
      if (y === height) {
        x++;
        y = 0;
      }
    }
  }
  return mask;
}

/** Side of the squares in which a picture is transposed, so that both sides of a square stay in the cache. */
const SQUARE = 64;

/**
 * Draws masks in a picture of their size, later ones over earlier ones. They are filled column by column, in whole runs: many
 * large ones take the time of their runs, not of the pixels of the picture for each.
 *
 * @param picture `[height, width]` row-major, changed
 */
export function drawRles(
  picture: Uint8Array | Uint16Array,
  { height, width }: { readonly height: number; readonly width: number },
  masks: Iterable<{ readonly mask: Rle; readonly value: number }>,
): void {
  const Pixels = picture.constructor as new (length: number) => typeof picture;
  const columns = new Pixels(picture.length); // [width, height]
  transpose(picture, columns, { rows: height, columns: width });
  for (const { mask, value } of masks) {
    let at = 0;
    mask.counts.forEach((run, i) => {
      if (i % 2 === 1) columns.fill(value, at, at + run);
      at += run;
    });
  }
  transpose(columns, picture, { rows: width, columns: height });
}

/** @param from `[rows, columns]` @param to `[columns, rows]`, written */
function transpose(
  from: Uint8Array | Uint16Array,
  to: Uint8Array | Uint16Array,
  { rows, columns }: { readonly rows: number; readonly columns: number },
): void {
  for (let top = 0; top < rows; top += SQUARE)
    for (let left = 0; left < columns; left += SQUARE) {
      const [bottom, right] = [Math.min(rows, top + SQUARE), Math.min(columns, left + SQUARE)];
      for (let y = top; y < bottom; y++)
        for (let x = left; x < right; x++) to[x * rows + y] = from[y * columns + x];
    }
}

/** Number of foreground pixels. */
export function rleArea(rle: Pick<Rle, 'counts'>): number {
  assertRle('rleArea', rle);
  const { counts } = rle;
  let area = 0;
  for (let i = 1; i < counts.length; i += 2) area += counts[i];
  return area;
}

/**
 * Bounding box of the foreground; zeros for an empty mask. As in the COCO API, a run that continues in the next
 * column makes the box as high as the mask, and a foreground run of length 0 extends the box too.
 */
export function rleBox(rle: Rle): XywhBox {
  assertRle('rleBox', rle);
  const { height, width, counts } = rle;
  const numRuns = counts.length - (counts.length % 2);
  if (numRuns === 0) return [0, 0, 0, 0];
  let [x1, y1, x2, y2] = [width, height, 0, 0];
  let position = 0;
  let firstColumn = 0;
  for (let i = 0; i < numRuns; i++) {
    position += counts[i];
    // First pixel of a foreground run, or last pixel of one. The unsigned wrap at 0 is as in the reference, for a
    // mask that begins with two runs of length 0.
    const pixel = (position - (i & 1)) >>> 0;
    const y = pixel % height;
    const x = (pixel - y) / height;
    if ((i & 1) === 0) firstColumn = x;
    else if (firstColumn < x) {
      y1 = 0;
      y2 = height - 1;
    }
    if (x < x1) x1 = x;
    if (x > x2) x2 = x;
    if (y < y1) y1 = y;
    if (y > y2) y2 = y;
  }
  return [x1, y1, x2 - x1 + 1, y2 - y1 + 1];
}

/**
 * Union or intersection of masks. As in the COCO API, masks of different sizes and an empty list give a mask of size
 * 0 x 0; a single mask is returned unchanged.
 */
export function mergeRles(rles: readonly Rle[], mode: 'union' | 'intersection'): Rle {
  assertList('mergeRles', 'a list of masks', rles);
  rles.forEach((rle) => assertRle('mergeRles', rle));
  const empty: Rle = { height: 0, width: 0, counts: new Uint32Array(0) };
  if (rles.length === 0) return empty;
  let merged = rles[0];
  for (const rle of rles.slice(1)) {
    if (rle.height !== merged.height || rle.width !== merged.width) return empty;
    merged = { ...merged, counts: mergeCounts(merged.counts, rle.counts, mode === 'intersection') };
  }
  return merged;
}

/** Passes over both lists of runs and writes a run whenever the combined value changes. */
function mergeCounts(a: Uint32Array, b: Uint32Array, intersect: boolean): Uint32Array {
  const out = new Uint32Array(a.length + b.length);
  let [i, j, numRuns, run] = [1, 1, 0, 0];
  let [leftA, leftB] = [a.length > 0 ? a[0] : 0, b.length > 0 ? b[0] : 0];
  let [valueA, valueB, value] = [false, false, false];
  for (let left = 1; left > 0;) {
    const step = Math.min(leftA, leftB);
    run += step;
    leftA -= step;
    leftB -= step;
    if (leftA === 0 && i < a.length) {
      leftA = a[i++];
      valueA = !valueA;
    }
    if (leftB === 0 && j < b.length) {
      leftB = b[j++];
      valueB = !valueB;
    }
    left = leftA + leftB;
    const next = intersect ? valueA && valueB : valueA || valueB;
    if (next !== value || left === 0) {
      out[numRuns++] = run;
      run = 0;
      value = next;
    }
  }
  return out.slice(0, numRuns);
}

/**
 * Checks that a value is an RLE; its runs are not looked at.
 *
 * @throws ShapeError
 */
export function assertRle(where: string, rle: Partial<Rle> | null | undefined): void {
  if (typeof rle?.counts?.length !== 'number')
    throw new ShapeError(
      `${where}: expected a mask as { height, width, counts }, got ${describedValue(rle)}`,
    );
}

/** @throws DataError unless both are whole numbers ≥ 0 with a product below 2³¹ */
export function assertMaskSize(where: string, height: number, width: number): void {
  const whole = Number.isInteger(height) && Number.isInteger(width) && height >= 0 && width >= 0;
  if (!whole || height * width > 0x7fffffff)
    throw new DataError(
      `${where}: expected a mask size [height, width], got [${quote(height)}, ${quote(width)}]`,
    );
}

/** @throws DataError unless the runs cover the mask exactly */
export function assertRunSum(where: string, sum: number, height: number, width: number): void {
  if (sum !== height * width)
    throw new DataError(
      `${where}: expected runs of ${height} x ${width} = ${height * width} pixels, got ${sum}`,
    );
}
