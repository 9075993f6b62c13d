import { assertList } from './arguments.js';
import type { Size } from './boxes.js';
import { DataError } from './errors.js';
import { assertMaskSize, mergeRles, type Rle, type XywhBox } from './rle.js';

/** Factor by which the rasterization grid is finer than the pixels. */
const SCALE = 5;
/** Largest coordinate on the fine grid. */
const MAX_FINE = 2e9;

/**
 * Rasterizes a polygon annotation as the COCO API does: every polygon separately, then the union.
 *
 * @param polygons flat lists `x0, y0, x1, y1, …` in pixels; polygons are closed implicitly
 * @throws DataError for an odd number of coordinates, a coordinate that is not finite or too large, or outlines that
 *   cross more than four million columns of pixels
 * @see `rleFrPoly`: https://github.com/cocodataset/cocoapi/blob/8c9bcc3/common/maskApi.c
 */
export function rleFromPolygons(
  polygons: readonly ArrayLike<number>[],
  height: number,
  width: number,
): Rle {
  assertMaskSize('rleFromPolygons', height, width);
  if (polygons.length === 0) return { height, width, counts: Uint32Array.of(height * width) };
  let left = MAX_CROSSINGS;
  const rles = polygons.map((polygon) => {
    const rle = rleFromPolygon(polygon, { height, width }, left);
    left -= rle.counts.length;
    return rle;
  });
  return unionOf(rles);
}

/** Largest number of runs of a mask from polygons: that of outlines which cross the largest images a hundred times. */
const MAX_CROSSINGS = 2 ** 22;

/** Union of one mask or more by halves: one after the other would take the square of their number. */
export function unionOf(rles: readonly Rle[]): Rle {
  if (rles.length <= 8) return mergeRles(rles, 'union');
  const half = rles.length >> 1;
  return mergeRles([unionOf(rles.slice(0, half)), unionOf(rles.slice(half))], 'union');
}

/** Rasterizes a box `[x, y, width, height]` as a polygon with four corners. */
export function rleFromBox(box: XywhBox, height: number, width: number): Rle {
  assertList('rleFromBox', 'a box [x, y, width, height]', box);
  return rleFromPolygons([cornersOfBox(box)], height, width);
}

/** Polygon of a box. */
export function cornersOfBox([x, y, w, h]: XywhBox): readonly number[] {
  return [x, y, x, y + h, x + w, y + h, x + w, y];
}

/**
 * The outline crosses the middle of pixel column `c` where its x changes between `5c + 2` and `5c + 3` on the fine
 * grid. Every crossing starts or ends a run, so only the crossings are computed, not the points between them.
 */
function rleFromPolygon(
  polygon: ArrayLike<number>,
  { height, width }: Size,
  maxCrossings: number,
): Rle {
  const [xs, ys] = fineVertices(polygon);
  const crossings = new CrossingList(xs, { height, width }, maxCrossings);
  for (let i = 0; i + 1 < xs.length; i++) crossings.addEdge(xs[i], ys[i], xs[i + 1], ys[i + 1]);
  return { height, width, counts: runsBetween(crossings.sorted(), height * width) };
}

/** Vertices on the fine grid, the first one repeated at the end. Rounded toward zero, as a C cast does. */
function fineVertices(polygon: ArrayLike<number>): readonly [Float64Array, Float64Array] {
  if (polygon.length % 2 !== 0)
    throw new DataError(
      `rleFromPolygons: expected pairs of coordinates, got ${polygon.length} numbers`,
    );
  const numVertices = polygon.length / 2;
  const xs = new Float64Array(numVertices > 0 ? numVertices + 1 : 1);
  const ys = new Float64Array(xs.length);
  for (let i = 0; i < numVertices; i++) {
    xs[i] = Math.trunc(SCALE * polygon[2 * i] + 0.5);
    ys[i] = Math.trunc(SCALE * polygon[2 * i + 1] + 0.5);
    // NaN fails too. The reference uses 32-bit integers here.
    if (!(Math.abs(xs[i]) <= MAX_FINE && Math.abs(ys[i]) <= MAX_FINE))
      throw new DataError(
        `rleFromPolygons: expected coordinates of at most ${MAX_FINE / SCALE}, got (${polygon[2 * i]}, ${polygon[2 * i + 1]}) at vertex ${i}`,
      );
  }
  xs[numVertices] = xs[0];
  ys[numVertices] = ys[0];
  return [xs, ys];
}

/** First pixel column whose middle is at or right of the fine coordinate `x`. */
function firstColumn(x: number): number {
  return Math.max(0, Math.ceil((x - 2) / SCALE));
}

/** Last pixel column of the mask whose middle is left of the fine coordinate `x`. */
function lastColumn(x: number, width: number): number {
  return Math.min(width - 1, Math.floor((x - 3) / SCALE));
}

/** Crossings of a column that are sorted one by one; more are left to the engine. */
const MAX_INSERTED = 32;

/**
 * Column-major positions of the first pixels below the crossings of an outline with the columns. Each column has its
 * place in the list, where its few crossings are sorted, which is faster than to sort them all.
 */
class CrossingList {
  private readonly pixels: Uint32Array;
  /** First column of the outline. */
  private readonly left: number;
  /** `[columns]`: end of the crossings of each column so far. */
  private readonly ends: Int32Array;

  private readonly height: number;
  private readonly width: number;

  /**
   * @param xs x of the vertices on the fine grid, the first one repeated at the end
   * @param maxCrossings checked before memory is taken
   */
  constructor(xs: Float64Array, { height, width }: Size, maxCrossings: number) {
    this.height = height;
    this.width = width;
    const assertFew = (count: number): void => {
      if (count > maxCrossings)
        throw new DataError(
          `rleFromPolygons: expected polygons that cross at most ${MAX_CROSSINGS} columns of pixels in all, got more in an image of ${height} x ${width}`,
        );
    };
    let [least, most] = [Infinity, -Infinity];
    for (let i = 0; i < xs.length; i++) {
      if (xs[i] < least) least = xs[i];
      if (xs[i] > most) most = xs[i];
    }
    this.left = firstColumn(least);
    const numColumns = Math.max(0, lastColumn(most, width) - this.left + 1);
    assertFew(numColumns);
    const changes = new Int32Array(numColumns + 1); // of the number of crossings from column to column
    for (let i = 0; i + 1 < xs.length && numColumns > 0; i++) {
      const first = firstColumn(Math.min(xs[i], xs[i + 1]));
      const last = lastColumn(Math.max(xs[i], xs[i + 1]), width);
      if (last < first) continue;
      changes[first - this.left]++;
      changes[last - this.left + 1]--;
    }
    let [crossings, total] = [0, 0];
    for (let column = 0; column < numColumns; column++) {
      crossings += changes[column];
      changes[column] = total;
      total += crossings;
    }
    assertFew(total);
    this.ends = changes;
    this.pixels = new Uint32Array(total);
  }

  /** All positions, ascending. */
  sorted(): Uint32Array {
    const { pixels, ends } = this;
    for (let column = 0, start = 0; column + 1 < ends.length; column++) {
      const end = ends[column];
      if (end - start > MAX_INSERTED) pixels.subarray(start, end).sort();
      else
        for (let i = start + 1; i < end; i++) {
          const pixel = pixels[i];
          let at = i;
          for (; at > start && pixels[at - 1] > pixel; at--) pixels[at] = pixels[at - 1];
          pixels[at] = pixel;
        }
      start = end;
    }
    return pixels;
  }

  /** Adds the crossings of an edge, given by its ends on the fine grid. */
  addEdge(xa: number, ya: number, xb: number, yb: number): void {
    const dx = Math.abs(xb - xa);
    const dy = Math.abs(yb - ya);
    const shallow = dx >= dy;
    // Lines are drawn from left to right where they are shallow and downward where they are steep.
    const swap = shallow ? xa > xb : ya > yb;
    const x0 = swap ? xb : xa;
    const y0 = swap ? yb : ya;
    const slope = (shallow ? (swap ? ya : yb) - y0 : (swap ? xa : xb) - x0) / (shallow ? dx : dy);
    const last = lastColumn(Math.max(xa, xb), this.width);
    for (let column = firstColumn(Math.min(xa, xb)); column <= last; column++) {
      const x = SCALE * column + 2;
      let y: number; // the upper of the two points next to the crossing
      if (shallow) {
        const left = Math.trunc(y0 + slope * (x - x0) + 0.5);
        y = Math.min(left, Math.trunc(y0 + slope * (x + 1 - x0) + 0.5));
      } else {
        y = y0 + stepBefore(x0, slope, x + 1);
      }
      const row = Math.ceil(Math.min(Math.max((y + 0.5) / SCALE - 0.5, 0), this.height));
      this.pixels[this.ends[column - this.left]++] = column * this.height + row;
    }
  }
}

/**
 * The last step `t` of a steep line whose next point lies across the border between `x − 1` and `x`; point `t` is
 * `trunc(x0 + slope·t + 0.5)`. The estimate is off only by rounding, so each loop takes at most one step.
 */
function stepBefore(x0: number, slope: number, x: number): number {
  let t = Math.floor((x - 0.5 - x0) / slope);
  if (slope > 0) {
    while (x0 + slope * t + 0.5 >= x) t--;
    while (x0 + slope * (t + 1) + 0.5 < x) t++;
  } else {
    while (x0 + slope * t + 0.5 < x) t--;
    while (x0 + slope * (t + 1) + 0.5 >= x) t++;
  }
  return t;
}

/** Runs between the sorted positions. Runs of length 0 are removed and their neighbors joined, except for the first. */
function runsBetween(pixels: Uint32Array, numPixels: number): Uint32Array {
  const counts = new Uint32Array(pixels.length + 1);
  let numRuns = 0;
  let previous = 0;
  let join = false;
  for (let i = 0; i <= pixels.length; i++) {
    const next = i < pixels.length ? pixels[i] : numPixels;
    const run = next - previous;
    previous = next;
    if (join) {
      counts[numRuns - 1] += run;
      join = false;
    } else if (run > 0 || numRuns === 0) {
      counts[numRuns++] = run;
    } else {
      join = true;
    }
  }
  return counts.slice(0, numRuns);
}
