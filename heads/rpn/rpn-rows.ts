import type { RpnTargets } from '../../core/matcher-rpn.js';
import { ShapeError } from '../../core/errors.js';
import { anchorLevelSizes, type FeatureMaps, type PyramidShape } from '../roi/feature-maps.js';

/**
 * Cells of the sampled anchors of a batch. The RPN's loss, and therefore its gradient, involves only a few hundred
 * sampled anchors, so the head runs on their cells only, given the 3×3 neighborhood of each. A row is one cell, which may
 * have several sampled anchors.
 */
export interface RpnRows {
  /** S, including padding rows of weight 0. */
  readonly capacity: number;
  /** Cells of the rows in use, by image, level, row and column of the map. */
  readonly cells: readonly RpnCell[];
  /** `[S, A]`, 0 or 1. */
  readonly labels: Float32Array;
  /** `[S, A]`: 1 for sampled anchors. */
  readonly labelWeights: Float32Array;
  /** `[S, 4A]` */
  readonly deltas: Float32Array;
  /** `[S, 4A]`: 1 for the deltas of positives. */
  readonly deltaWeights: Float32Array;
}

/** A cell of an anchor level. */
interface RpnCell {
  readonly image: number;
  /** 0 … 4, P2 to P6. */
  readonly level: number;
  readonly y: number;
  readonly x: number;
}

/** Number of values of a 3×3 neighborhood with one channel. */
const NEIGHBORS = 9;

/**
 * Collects the sampled anchors of a batch by cell.
 *
 * @param targets targets of every image
 * @param numAnchors number of anchors per cell, A
 * @param capacityOf returns the number of rows for a number of cells
 * @throws ShapeError if the numbers of targets and images differ
 */
export function rpnRows(
  targets: readonly RpnTargets[],
  shape: PyramidShape,
  numAnchors: number,
  capacityOf: (numCells: number) => number,
): RpnRows {
  if (targets.length !== shape.numImages)
    throw new ShapeError(
      `rpnRows: expected targets of ${shape.numImages} images, got ${targets.length}`,
    );
  const sizes = anchorLevelSizes(shape);
  const firstCells = sizes.map((_, level) =>
    sizes.slice(0, level).reduce((sum, { width, height }) => sum + width * height, 0),
  );
  const rowsOfImages = targets.map(({ positives, negatives }) => {
    const cells = new Set<number>();
    for (const anchors of [positives, negatives])
      for (const anchor of anchors) cells.add(Math.floor(anchor / numAnchors));
    return Int32Array.from(cells).sort();
  });
  const numCells = rowsOfImages.reduce((sum, { length }) => sum + length, 0);
  const capacity = capacityOf(numCells);
  const rows = {
    capacity,
    cells: [] as RpnCell[],
    labels: new Float32Array(capacity * numAnchors),
    labelWeights: new Float32Array(capacity * numAnchors),
    deltas: new Float32Array(capacity * 4 * numAnchors),
    deltaWeights: new Float32Array(capacity * 4 * numAnchors),
  };
  targets.forEach(({ positives, negatives, deltas }, image) => {
    const rowOf = new Map<number, number>();
    for (const cell of rowsOfImages[image]) {
      rowOf.set(cell, rows.cells.length);
      const level = firstCells.findLastIndex((first) => first <= cell);
      const at = cell - firstCells[level];
      const { width } = sizes[level];
      rows.cells.push({ image, level, y: Math.floor(at / width), x: at % width });
    }
    const slot = (anchor: number): number =>
      (rowOf.get(Math.floor(anchor / numAnchors)) as number) * numAnchors + (anchor % numAnchors);
    for (const anchor of negatives) rows.labelWeights[slot(anchor)] = 1;
    positives.forEach((anchor, i) => {
      const at = slot(anchor);
      rows.labels[at] = 1;
      rows.labelWeights[at] = 1;
      rows.deltas.set(deltas.subarray(4 * i, 4 * i + 4), 4 * at);
      rows.deltaWeights.fill(1, 4 * at, 4 * at + 4);
    });
  });
  return rows;
}

/**
 * Gathers the neighborhoods of all rows.
 *
 * @param out `[S, 9C]`: rows, columns, channels; zeros outside the map and in rows that are not in use
 */
export function gatherPatches(rows: RpnRows, maps: FeatureMaps, out: Float32Array): void {
  const C = maps.numChannels;
  out.fill(0);
  forEachNeighbor(rows, maps, (map, from, patch) => {
    out.set(map.subarray(from, from + C), patch * C);
  });
}

/**
 * Adds the gradients of neighborhoods to those of the maps, sequentially, so the order of sums is fixed.
 *
 * @param gradient `[S, 9C]`
 */
export function scatterPatches(rows: RpnRows, gradient: Float32Array, maps: FeatureMaps): void {
  const C = maps.numChannels;
  forEachNeighbor(rows, maps, (map, to, patch) => {
    for (let c = 0, at = patch * C; c < C; c++, at++) map[to + c] += gradient[at];
  });
}

/** Visits the cells of all neighborhoods that lie inside the map; P6 is every second row and column of P5. */
function forEachNeighbor(
  { cells }: RpnRows,
  { maps, levels, numChannels }: FeatureMaps,
  visit: (map: Float32Array, offset: number, patch: number) => void,
): void {
  const sizes = anchorLevelSizes({ levels, numChannels, numImages: 0 });
  cells.forEach(({ image, level, y, x }, row) => {
    const { width, height } = sizes[level];
    const stored = Math.min(level, levels.length - 1);
    const step = level === stored ? 1 : 2;
    const { width: mapWidth, height: mapHeight } = levels[stored];
    for (let dy = -1, patch = row * NEIGHBORS; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++, patch++) {
        const [ny, nx] = [y + dy, x + dx];
        if (ny < 0 || ny >= height || nx < 0 || nx >= width) continue;
        const cell = (image * mapHeight + ny * step) * mapWidth + nx * step;
        visit(maps[stored], cell * numChannels, patch);
      }
    }
  });
}
