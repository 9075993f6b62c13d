import { countingSort } from './grid.js';
import type { MatchBits } from './match-cell.js';

/**
 * Matched detections, sufficient to accumulate all curves and to merge partial results. Rows are sorted by category,
 * image and score.
 */
export interface CocoMatches extends MatchBits {
  /** `[D]`, index into the grid's images. */
  readonly images: Int32Array;
  /** `[D]`, index into the grid's categories, 0 if they are pooled. */
  readonly categories: Int32Array;
  /** `[D]`. */
  readonly scores: Float64Array;
  /** `[D]`, rank among the detections of the cell. */
  readonly ranks: Int32Array;
}

const COLUMNS = ['images', 'categories', 'scores', 'ranks', 'matched', 'ignored'] as const;

/** Allocates rows of zeros. @param wordsPerRow words of bits per row, `A · W` */
export function newMatches(count: number, wordsPerRow: number): CocoMatches {
  return {
    images: new Int32Array(count),
    categories: new Int32Array(count),
    scores: new Float64Array(count),
    ranks: new Int32Array(count),
    matched: new Uint32Array(count * wordsPerRow),
    ignored: new Uint32Array(count * wordsPerRow),
  };
}

/** Sorts the first `count` rows by category; stable. */
export function sortByCategory(
  rows: CocoMatches,
  count: number,
  numCategories: number,
): CocoMatches {
  return pickRows(rows, countingSort(positions(count), rows.categories, numCategories));
}

/** Merges the sorted rows of several batches of different images. */
export function mergeMatches(
  portions: readonly CocoMatches[],
  sizes: {
    readonly numImages: number;
    readonly numCategories: number;
    readonly wordsPerRow: number;
  },
): CocoMatches {
  const count = portions.reduce((sum, { images }) => sum + images.length, 0);
  const all = newMatches(count, sizes.wordsPerRow);
  let at = 0;
  for (const portion of portions) {
    for (const column of COLUMNS)
      all[column].set(portion[column], at * widthOf(all[column], count));
    at += portion.images.length;
  }
  const byImage = countingSort(positions(count), all.images, sizes.numImages);
  return pickRows(all, countingSort(byImage, all.categories, sizes.numCategories));
}

function positions(count: number): Uint32Array {
  const all = new Uint32Array(count);
  for (let i = 0; i < count; i++) all[i] = i;
  return all;
}

/** Rows in an order. @param order `[N]`, positions of the wanted rows */
export function pickRows(rows: CocoMatches, order: Uint32Array): CocoMatches {
  const count = order.length;
  const wordsPerRow = rows.images.length > 0 ? rows.matched.length / rows.images.length : 0;
  const picked = newMatches(count, wordsPerRow);
  for (const column of COLUMNS) gather(rows[column], order, picked[column]);
  return picked;
}

/** Reorders rows into `to`. */
function gather<Numbers extends Int32Array | Uint32Array | Float64Array>(
  from: Numbers,
  order: Uint32Array,
  to: Numbers,
): void {
  const width = widthOf(to, order.length);
  for (let i = 0, at = 0; i < order.length; i++)
    for (let w = order[i] * width; w < (order[i] + 1) * width; w++) to[at++] = from[w];
}

const widthOf = ({ length }: ArrayLike<number>, count: number): number =>
  count > 0 ? length / count : 0;
