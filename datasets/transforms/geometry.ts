import type { MaskGrid } from '../../core/mask-targets.js';
import { ShapeError } from '../../core/errors.js';
import type { LabelMap } from '../../core/image.js';
import { fullRect, isInside, type Rect, type Size } from './rect.js';
import { nearestCv } from './resize-cv.js';

/**
 * One geometric step. A list of steps is drawn first and then applied to the image (`transformImage`), to boxes
 * ({@link transformBoxes}), to masks ({@link gridOf}) and to label maps ({@link transformLabels}).
 */
export type GeometricStep =
  | { readonly kind: 'resize'; readonly size: Size }
  | { readonly kind: 'crop'; readonly window: Rect }
  /** Horizontal flip. */
  | { readonly kind: 'flip' };

/** One pass over the pixels: a resize, a crop of its result, and a flip. */
export interface Resampling {
  readonly from: Size;
  readonly size: Size;
  readonly window: Rect;
  readonly mirrored: boolean;
}

/**
 * Combines steps into passes over the pixels.
 *
 * @param source size of the image before the first step
 * @throws ShapeError for a crop that extends outside, or a resize to an empty image
 */
export function resamplings(source: Size, steps: readonly GeometricStep[]): readonly Resampling[] {
  const passes: Resampling[] = [];
  let pass: Resampling | undefined;
  let size: Size = { width: source.width, height: source.height };
  const begin = (to: Size): Resampling => {
    if (pass) passes.push(pass);
    return { from: size, size: to, window: fullRect(to), mirrored: false };
  };
  for (const step of steps) {
    switch (step.kind) {
      case 'resize':
        if (!isInside(fullRect(step.size), step.size))
          throw new ShapeError(
            `resamplings: expected a positive size, got ${step.size.width}x${step.size.height}`,
          );
        pass = begin(step.size);
        break;
      case 'crop': {
        if (!isInside(step.window, size))
          throw new ShapeError(
            `resamplings: expected a crop inside ${size.width}x${size.height}, got ` +
              `${step.window.width}x${step.window.height} at (${step.window.x}, ${step.window.y})`,
          );
        if (pass === undefined || pass.mirrored) pass = begin(size);
        const { x, y } = pass.window;
        pass = { ...pass, window: { ...step.window, x: x + step.window.x, y: y + step.window.y } };
        break;
      }
      case 'flip':
        pass ??= begin(size);
        pass = { ...pass, mirrored: !pass.mirrored };
        break;
      default:
        step satisfies never;
    }
    if (pass) size = { width: pass.window.width, height: pass.window.height };
  }
  return pass ? [...passes, pass] : passes;
}

/** Size of the image after the steps. */
export function sizeAfter(source: Size, steps: readonly GeometricStep[]): Size {
  const last = resamplings(source, steps).at(-1)?.window ?? source;
  return { width: last.width, height: last.height };
}

/**
 * Computes the source row and column of every row and column of the result, with OpenCV's nearest neighbors. Steps can be
 * composed, because a nearest-neighbor resize only selects.
 */
export function gridOf(source: Size, steps: readonly GeometricStep[]): MaskGrid {
  const ramp = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => i);
  let rows = ramp(source.height);
  let columns = ramp(source.width);
  for (const { from, size, window, mirrored } of resamplings(source, steps)) {
    const [oldRows, oldColumns] = [rows, columns];
    rows = nearestCv(from.height, size.height, window.y, window.height).map((i) => oldRows[i]);
    columns = nearestCv(from.width, size.width, window.x, window.width).map((i) => oldColumns[i]);
    if (mirrored) columns.reverse();
  }
  return { source: { width: source.width, height: source.height }, rows, columns };
}

/**
 * Transforms boxes: scales by the ratio of the sizes, shifts by crops, flips, and clips to the image after each resize
 * and crop. A box outside a crop becomes empty.
 *
 * @param boxes `[M, 4]`, pixels of the source
 * @returns `[M, 4]`, pixels of the result
 */
export function transformBoxes(
  boxes: Float32Array,
  source: Size,
  steps: readonly GeometricStep[],
): Float32Array {
  const out = Float32Array.from(boxes);
  for (const { from, size, window, mirrored } of resamplings(source, steps)) {
    const scaleX = size.width / from.width;
    const scaleY = size.height / from.height;
    for (let b = 0; b < out.length; b += 4) {
      const x1 = alongAxis(out[b], scaleX, size.width, window.x, window.width);
      const x2 = alongAxis(out[b + 2], scaleX, size.width, window.x, window.width);
      out[b] = mirrored ? window.width - x2 : x1;
      out[b + 2] = mirrored ? window.width - x1 : x2;
      out[b + 1] = alongAxis(out[b + 1], scaleY, size.height, window.y, window.height);
      out[b + 3] = alongAxis(out[b + 3], scaleY, size.height, window.y, window.height);
    }
  }
  return out;
}

/** Transforms one coordinate: scaled and clipped, then shifted and clipped, in float32 as in the original code. */
function alongAxis(
  at: number,
  scale: number,
  length: number,
  offset: number,
  windowLength: number,
): number {
  const scaled = Math.min(Math.max(Math.fround(at * scale), 0), length);
  return Math.min(Math.max(Math.fround(scaled - offset), 0), windowLength);
}

/**
 * Transforms a label map with a grid.
 *
 * @param labels `[H, W]`, of the grid's source size
 * @returns `[rows, columns]`
 * @throws ShapeError if the size of the map differs
 */
export function transformLabels(labels: LabelMap, { source, rows, columns }: MaskGrid): LabelMap {
  if (labels.width !== source.width || labels.height !== source.height)
    throw new ShapeError(
      `transformLabels: expected labels of ${source.width}x${source.height}, got ${labels.width}x${labels.height}`,
    );
  const data = new Uint8Array(rows.length * columns.length);
  for (let y = 0, o = 0; y < rows.length; y++) {
    const row = rows[y] * labels.width;
    for (let x = 0; x < columns.length; x++) data[o++] = labels.data[row + columns[x]];
  }
  return { width: columns.length, height: rows.length, data };
}
