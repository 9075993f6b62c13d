import { assertList, assertObject } from '../../core/arguments.js';
import { ConfigError, DataError } from '../../core/errors.js';
import { roundHalfEven } from '../../core/round.js';
import type { PartialResult } from '../../core/partial-result.js';
import type { ClassMap } from './count-pairs.js';
import { definedMean } from './metrics.js';

interface BoundaryOptions {
  readonly height: number;
  readonly width: number;
  /** Default distance as a fraction of the image diagonal. */
  readonly dilationRatio?: number | undefined;
}

/** Width of a boundary in pixels: `max(1, round(ratio · diagonal))`, ties to even. */
export function boundaryDistance({ height, width, dilationRatio = 0.02 }: BoundaryOptions): number {
  return Math.max(1, roundHalfEven(dilationRatio * Math.sqrt(height * height + width * width)));
}

/**
 * Marks the boundary pixels of every region: those with another value, or the outside of the image, within `distance` in
 * rows or columns. Equivalent to removing the result of `distance` erosions by a 3 x 3 square, for all values at once.
 *
 * @param map `[H, W]`
 * @returns `[H, W]`, 1 on boundaries
 */
export function boundaryPixels(
  map: ClassMap,
  height: number,
  width: number,
  distance: number,
): Uint8Array {
  if (map.length !== height * width)
    throw new DataError(
      `boundaryPixels: expected ${height} x ${width} = ${height * width} pixels, got ${map.length}`,
    );
  const boundary = new Uint8Array(map.length);
  // Erosion by a square is separable: rows are eroded first, then columns of the result.
  for (let y = 0; y < height; y++)
    markRunEnds(map.subarray(y * width, (y + 1) * width), boundary.subarray(y * width), distance);
  const rows = boundary.slice();
  for (let x = 0; x < width; x++) {
    let start = 0;
    for (let y = 1; y <= height; y++) {
      const at = y * width + x;
      const isSame = y < height && map[at] === map[at - width] && !rows[at] && !rows[at - width];
      if (isSame) continue;
      for (let d = 0; d < distance; d++) {
        if (start + d < y) boundary[(start + d) * width + x] = 1;
        if (y - 1 - d >= start) boundary[(y - 1 - d) * width + x] = 1;
      }
      start = y;
    }
  }
  return boundary;
}

/** Marks the first and last `distance` pixels of every run of equal values in a row. */
function markRunEnds(row: ClassMap, marks: Uint8Array, distance: number): void {
  let start = 0;
  for (let i = 1; i <= row.length; i++) {
    if (i < row.length && row[i] === row[i - 1]) continue;
    const low = Math.min(i, start + distance);
    marks.fill(1, start, low);
    marks.fill(1, Math.max(low, i - distance), i);
    start = i;
  }
}

/**
 * IoU of the boundaries of two masks.
 *
 * @param groundTruth `[H, W]`, 0 or 1
 * @param prediction `[H, W]`, 0 or 1
 * @returns 0–1, NaN where both boundaries are empty
 * @see https://arxiv.org/abs/2103.16562
 */
export function boundaryIou(
  groundTruth: Uint8Array,
  prediction: Uint8Array,
  options: BoundaryOptions,
): number {
  assertList('boundaryIou', 'a mask as bytes', groundTruth);
  assertList('boundaryIou', 'a mask as bytes', prediction);
  assertObject('boundaryIou', 'options with height and width', options);
  const { height, width } = options;
  const distance = boundaryDistance(options);
  const [a, b] = [groundTruth, prediction].map((mask) =>
    boundaryPixels(mask, height, width, distance),
  );
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const inA = a[i] & groundTruth[i];
    const inB = b[i] & prediction[i];
    both += inA & inB;
    either += inA | inB;
  }
  return both / either;
}

/** Sums the boundary intersections and unions of all classes over a data set. */
export class BoundaryIouEvaluator {
  private readonly both: Float64Array;
  private readonly either: Float64Array;

  constructor(
    private readonly numClasses: number,
    private readonly ignoreIndex = 255,
  ) {
    this.both = new Float64Array(numClasses);
    this.either = new Float64Array(numClasses);
  }

  /**
   * Adds an image.
   *
   * @param labels `[H, W]`, classes or the ignored label; ignored pixels form boundaries but are not counted
   * @param predictions `[H, W]`
   */
  update(labels: ClassMap, predictions: ClassMap, options: BoundaryOptions): void {
    const { height, width } = options;
    const distance = boundaryDistance(options);
    const a = boundaryPixels(labels, height, width, distance);
    const b = boundaryPixels(predictions, height, width, distance);
    for (let i = 0; i < a.length; i++) {
      const [label, prediction] = [labels[i], predictions[i]];
      if (label === this.ignoreIndex) continue;
      if (a[i] && b[i] && label === prediction) {
        this.add(label, 1, 1);
        continue;
      }
      if (a[i]) this.add(label, 0, 1);
      if (b[i]) this.add(prediction, 0, 1);
    }
  }

  /** Computes the boundary IoU of every class (NaN without boundary) and their mean. */
  finish(): { readonly mean: number; readonly perClass: Float64Array } {
    const perClass = this.both.map((both, k) => both / this.either[k]);
    return { mean: definedMean([...perClass]), perClass };
  }

  /**
   * Adds the counts to a partial result of the same evaluation, for another evaluator's `addPartialResult`.
   *
   * @param partial partial result of a `SemanticEvaluator` on the same images
   */
  extendPartialResult(partial: PartialResult): PartialResult {
    const { both, either } = this;
    return {
      ...partial,
      arrays: { ...partial.arrays, boundaryBoth: both, boundaryEither: either },
    };
  }

  /**
   * @throws ConfigError for a partial result without boundaries
   * @throws DataError for one of another number of classes
   */
  addPartialResult(partial: PartialResult): void {
    const { boundaryBoth: both, boundaryEither: either } = partial.arrays;
    if (!both || !either)
      throw new ConfigError(
        'merge: expected a part with boundaries, got one without; write it with --boundary, too',
      );
    for (const { length } of [both, either])
      if (length !== this.numClasses)
        throw new DataError(
          `merge: expected boundaries of ${this.numClasses} classes, got ${length}`,
        );
    for (let k = 0; k < this.numClasses; k++) {
      this.both[k] += both[k];
      this.either[k] += either[k];
    }
  }

  private add(k: number, both: number, either: number): void {
    if (k < 0 || k >= this.numClasses) return; // prediction without a class
    this.both[k] += both;
    this.either[k] += either;
  }
}
