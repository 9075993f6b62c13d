import { DataError } from '../../core/errors.js';
import type { CocoDomain } from './objects.js';
import type { CocoParameters } from './parameters.js';

/**
 * The images and categories to evaluate, numbered. Objects are visited cell by cell, a cell being what lies in one
 * image under one category, or under any category where categories are pooled.
 */
export interface CocoGrid {
  /** `[I]`, ascending: equal scores are ordered by image id. */
  readonly imageIds: Float64Array;
  /** `[K]`, ascending; in the given order where categories are pooled. */
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

/** Objects sorted by cell. Those of images or categories that are not evaluated are left out. */
export interface CellOrder {
  /** Positions of the objects: category by category, in these by image index, in these in file order. */
  readonly order: Uint32Array;
  /** The cell of `order[i]`: `category · I + image`, with category 0 where categories are pooled. */
  readonly cells: Float64Array;
}

/** Two stable counting sorts, so that the cost follows the number of objects and not of cells. */
export function orderByCell(
  grid: CocoGrid,
  imageOf: Float64Array,
  categoryOf: Float64Array,
): CellOrder {
  const count = imageOf.length;
  const images = new Int32Array(count);
  const categories = new Int32Array(count);
  const positions = new Uint32Array(count);
  let numKept = 0;
  for (let i = 0; i < count; i++) {
    const image = grid.imageIndexOf.get(imageOf[i]);
    const category = grid.categoryIndexOf.get(categoryOf[i]);
    if (image === undefined || category === undefined) continue;
    images[i] = image;
    categories[i] = category;
    positions[numKept++] = i;
  }
  const kept = positions.subarray(0, numKept);
  const [numImages, numCategories] = [grid.imageIds.length, grid.categoryIds.length];
  const order = grid.pooled
    ? countingSort(countingSort(kept, categories, numCategories), images, numImages)
    : countingSort(countingSort(kept, images, numImages), categories, numCategories);
  const cells = new Float64Array(numKept);
  for (let i = 0; i < numKept; i++) {
    const at = order[i];
    cells[i] = grid.pooled ? images[at] : categories[at] * numImages + images[at];
  }
  return { order, cells };
}

function countingSort(items: Uint32Array, keys: Int32Array, numKeys: number): Uint32Array {
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
