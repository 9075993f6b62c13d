import { grouped } from './grouped.js';
import { cropRle, rleBounds } from './rle-crop.js';
import { assertRle, decodeRle, type Rle } from './rle.js';

/** Steps along the edges of pixels, clockwise: right, down, left, up. */
const STEPS = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
] as const;
/** Offset from a corner to the pixel on the right of a step. */
const RIGHT = [
  [0, 0],
  [-1, 0],
  [-1, -1],
  [0, -1],
] as const;

/**
 * Traces the contours of a mask along pixel borders as closed polygons: outer contours run clockwise, those of holes
 * counterclockwise. Pixels that touch only at a corner are separate.
 *
 * @returns polygons `[x0, y0, x1, y1, …]`, pixels; corners only
 */
export function maskContours(mask: Rle): readonly Float64Array[] {
  // Objects are small in large pictures, so only the pixels around the foreground are unpacked.
  assertRle('maskContours', mask);
  const bounds = rleBounds(mask);
  if (!bounds) return [];
  const contours = contoursOf(cropRle(mask, bounds));
  for (const corners of contours)
    for (let i = 0; i < corners.length; i += 2) {
      corners[i] += bounds.x;
      corners[i + 1] += bounds.y;
    }
  return contours;
}

function contoursOf(mask: Rle): readonly Float64Array[] {
  const { width, height } = mask;
  const pixels = decodeRle(mask);
  const isInside = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && pixels[y * width + x] === 1;
  // Whether a step from a corner has the mask on its right and background on its left.
  const isEdge = (x: number, y: number, direction: number): boolean => {
    const [px, py] = [x + RIGHT[direction][0], y + RIGHT[direction][1]];
    const [dx, dy] = STEPS[(direction + 3) % 4];
    return isInside(px, py) && !isInside(px + dx, py + dy);
  };
  const seen = new Uint8Array((width + 1) * (height + 1)); // steps to the right that are already traced
  const contours: Float64Array[] = [];
  for (let top = 0; top <= height; top++)
    for (let left = 0; left < width; left++) {
      if (seen[top * (width + 1) + left] || !isEdge(left, top, 0)) continue;
      const corners: number[] = [];
      let [x, y, direction] = [left, top, 0];
      do {
        if (direction === 0) seen[y * (width + 1) + x] = 1;
        x += STEPS[direction][0];
        y += STEPS[direction][1];
        // Turn right if there is an edge, so that the contour stays at its pixel.
        const next = [1, 0, 3].map((turn) => (direction + turn) % 4).find((d) => isEdge(x, y, d));
        if (next !== direction) corners.push(x, y);
        direction = next as number;
      } while (x !== left || y !== top || direction !== 0);
      contours.push(Float64Array.from(corners));
    }
  return contours;
}

/**
 * Converts a mask to one polygon: components and holes are joined by lines traversed in both directions, so that filling
 * the polygon gives the mask.
 *
 * @returns `[x0, y0, x1, y1, …]`, pixels; empty for an empty mask
 */
export function maskOutline(mask: Rle): Float64Array {
  return joinContours(maskContours(mask));
}

/**
 * Joins closed polygons to one by lines traversed in both directions, which have no area.
 *
 * @param contours `[x0, y0, …]`, pixels
 * @returns `[x0, y0, x1, y1, …]`, pixels; empty for no polygons
 */
export function joinContours(contours: readonly Float64Array[]): Float64Array {
  const [first, ...others] = contours;
  if (!first) return new Float64Array(0);
  if (others.length === 0) return first;
  // Corner of the first contour → contours that start and end there.
  const walks = others.map((contour) => {
    const { at, to } = nearestCorners(first, contour);
    const walk = new Float64Array(contour.length + 2);
    walk.set(contour.subarray(to));
    walk.set(contour.subarray(0, to + 2), contour.length - to);
    return { at, walk };
  });
  const branches = grouped(walks, ({ at }) => at);
  const outline: number[] = [];
  for (let i = 0; i < first.length; i += 2) {
    outline.push(first[i], first[i + 1]);
    for (const { walk } of branches.get(i) ?? []) {
      for (const value of walk) outline.push(value);
      outline.push(first[i], first[i + 1]);
    }
  }
  return Float64Array.from(outline);
}

/** Number of corners considered per contour; the positions of joining lines matter only visually. */
const SAMPLES = 64;

function nearestCorners(
  a: Float64Array,
  b: Float64Array,
): { readonly at: number; readonly to: number } {
  const [stepA, stepB] = [a, b].map(({ length }) => 2 * Math.ceil(length / 2 / SAMPLES));
  let [at, to, least] = [0, 0, Infinity];
  for (let i = 0; i < a.length; i += stepA)
    for (let j = 0; j < b.length; j += stepB) {
      const distance = (a[i] - b[j]) ** 2 + (a[i + 1] - b[j + 1]) ** 2;
      if (distance < least) [at, to, least] = [i, j, distance];
    }
  return { at, to };
}
