import { DataError } from '../../core/errors.js';
import type { CocoDomain } from '../../core/coco.js';
import type { CocoParameters } from './parameters.js';
import { isInThreadShard, type ThreadShard } from './thread-shard.js';

/**
 * Grid of the images and categories to evaluate. A cell contains the objects of one category in one image, or of all
 * categories if these are pooled.
 */
export interface CocoGrid {
  /** `[I]`, ascending: equal scores are ordered by image id. */
  readonly imageIds: Float64Array;
  /** `[K]`, ascending; in the given order if categories are pooled. */
  readonly categoryIds: Float64Array;
  readonly imageIndexOf: ReadonlyMap<number, number>;
  readonly categoryIndexOf: ReadonlyMap<number, number>;
  readonly pooled: boolean;
}

/** @throws DataError if an image or category id of the data set occurs twice */
export function cocoGrid(domain: CocoDomain, parameters: CocoParameters): CocoGrid {
  assertUnique('image', domain.imageIds);
  const known = domain.categories.map(({ id }) => id);
  assertUnique('category', known);
  const imageIds = Float64Array.from(new Set(parameters.imageIds ?? domain.imageIds)).sort();
  const categoryIds = Float64Array.from(new Set(parameters.categoryIds ?? known.sort(ascending)));
  if (parameters.useCategories) categoryIds.sort();
  return {
    imageIds,
    categoryIds,
    imageIndexOf: numbered(imageIds),
    categoryIndexOf: numbered(categoryIds),
    pooled: !parameters.useCategories,
  };
}

/** Objects sorted by cell, without those of images or categories that are not evaluated. */
export interface CellOrder {
  /** Positions of the objects by image, category and file order. */
  readonly order: Uint32Array;
  /** Cell of `order[i]`: `image · K + category`, with K = 1 if categories are pooled. */
  readonly cells: Float64Array;
}

/** K of the cells: 1 if categories are pooled. */
export function numCellCategories({ pooled, categoryIds }: CocoGrid): number {
  return pooled ? 1 : categoryIds.length;
}

/** Two stable counting sorts, so that the cost depends on the number of objects, not of cells. */
export function orderByCell(
  grid: CocoGrid,
  imageOf: Float64Array,
  categoryOf: Float64Array,
  shard?: ThreadShard,
): CellOrder {
  const count = imageOf.length;
  const images = new Int32Array(count);
  const categories = new Int32Array(count);
  const positions = new Uint32Array(count);
  let numKept = 0;
  let lastImage = NaN; // objects of an image are nearly always together
  let image: number | undefined;
  for (let i = 0; i < count; i++) {
    if (imageOf[i] !== lastImage) {
      lastImage = imageOf[i];
      image = grid.imageIndexOf.get(lastImage);
    }
    const category = grid.categoryIndexOf.get(categoryOf[i]);
    if (image === undefined || category === undefined) continue;
    if (shard && !isInThreadShard(imageOf[i], shard)) continue;
    images[i] = image;
    categories[i] = category;
    positions[numKept++] = i;
  }
  const byCategory = countingSort(
    positions.subarray(0, numKept),
    categories,
    grid.categoryIds.length,
  );
  const order = countingSort(byCategory, images, grid.imageIds.length);
  const K = numCellCategories(grid);
  const cells = new Float64Array(numKept);
  for (let i = 0; i < numKept; i++)
    cells[i] = images[order[i]] * K + (grid.pooled ? 0 : categories[order[i]]);
  return { order, cells };
}

/** Stable sort of `items` by their keys, which are whole numbers below `numKeys`. */
export function countingSort(items: Uint32Array, keys: Int32Array, numKeys: number): Uint32Array {
  const next = new Uint32Array(numKeys + 1);
  for (let i = 0; i < items.length; i++) next[keys[items[i]] + 1]++;
  for (let key = 0; key < numKeys; key++) next[key + 1] += next[key];
  const sorted = new Uint32Array(items.length);
  for (let i = 0; i < items.length; i++) sorted[next[keys[items[i]]]++] = items[i];
  return sorted;
}

function numbered(ids: Float64Array): Map<number, number> {
  const indexOf = new Map<number, number>();
  ids.forEach((id, index) => indexOf.set(id, index));
  return indexOf;
}

function assertUnique(what: string, ids: ArrayLike<number>): void {
  const seen = new Set<number>();
  for (let i = 0; i < ids.length; i++) {
    if (seen.has(ids[i]))
      throw new DataError(`coco: expected unique ${what} ids, got ${ids[i]} twice`, { id: ids[i] });
    seen.add(ids[i]);
  }
}

function ascending(a: number, b: number): number {
  return a - b;
}
