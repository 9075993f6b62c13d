import { DataError } from '../../core/errors.js';
import { orderByScoreInto } from '../score-order.js';
import { cocoGrid, numCellCategories, orderByCell, type CellOrder, type CocoGrid } from './grid.js';
import { CellMatcher, numWords, type CellGroundTruth, type MatchObserver } from './match-cell.js';
import { newMatches, sortByCategory, type CocoMatches } from './match-rows.js';
import type { CocoDetections, CocoGroundTruth } from './objects.js';
import { assertCocoParameters, type CocoParameters } from './parameters.js';
import type { ThreadShard } from './thread-shard.js';
import { cocoSimilarity } from './similarity.js';

/** A matched cell, for analyses: `dts` by score, `gts` in file order, `ious` `[D, G]`. */
interface MatchedCell {
  readonly image: number;
  readonly category: number;
  readonly dts: Uint32Array;
  readonly gts: Uint32Array;
  readonly ious: Float64Array;
}

type CellGroundTruthLists = Readonly<Record<keyof CellGroundTruth, number[]>>;

/** Called before the matches of a cell; returns the callback for them. */
export type CellObserver = (cell: MatchedCell) => MatchObserver | undefined;

/** Matches detections to ground truth sorted into cells, in batches of images. */
export class CocoMatcher {
  readonly grid: CocoGrid;
  readonly numWords: number;
  private readonly gtOrder: CellOrder;
  private readonly isIgnored: Uint8Array;

  /**
   * @throws ConfigError for invalid parameters
   * @throws DataError for ids that occur twice, or an object of an image or category that is not listed
   */
  constructor(
    readonly groundTruth: CocoGroundTruth,
    readonly parameters: CocoParameters,
  ) {
    assertCocoParameters(parameters);
    this.grid = cocoGrid(groundTruth, parameters);
    this.numWords = numWords(parameters);
    assertGroundTruth(groundTruth);
    this.gtOrder = orderByCell(this.grid, groundTruth.imageOf, groundTruth.categoryOf);
    this.isIgnored = Uint8Array.from(groundTruth.isCrowd, (crowd, g) => {
      const unlabeled = parameters.iouType === 'keypoints' && groundTruth.numKeypoints?.[g] === 0;
      const honorsFlags = !parameters.strict || groundTruth.federated !== undefined;
      return crowd || unlabeled || (honorsFlags && groundTruth.ignoreFlags[g]) ? 1 : 0;
    });
  }

  /** `[K, A]`: numbers of ground truths that are not ignored, in all images. K is 1 if categories are pooled. */
  countGroundTruths(): Int32Array {
    const { areaRanges } = this.parameters;
    const K = numCellCategories(this.grid);
    const counts = new Int32Array(K * areaRanges.length);
    const { order, cells } = this.gtOrder;
    for (let i = 0; i < order.length; i++) {
      const g = order[i];
      if (this.isIgnored[g]) continue;
      const category = cells[i] % K;
      for (let a = 0; a < areaRanges.length; a++) {
        const { min, max } = areaRanges[a];
        if (!(this.groundTruth.areas[g] < min || this.groundTruth.areas[g] > max))
          counts[category * areaRanges.length + a]++;
      }
    }
    return counts;
  }

  /** Lists image and category indices of the ground truths that count in the first area range. */
  countedGroundTruths(): { readonly images: Int32Array; readonly categories: Int32Array } {
    const [{ min, max }] = this.parameters.areaRanges;
    const { areas } = this.groundTruth;
    const K = numCellCategories(this.grid);
    const cells = this.gtOrder.cells.filter((_, i) => {
      const g = this.gtOrder.order[i];
      return !this.isIgnored[g] && !(areas[g] < min || areas[g] > max);
    });
    return {
      images: Int32Array.from(cells, (cell) => Math.floor(cell / K)),
      categories: Int32Array.from(cells, (cell) => cell % K),
    };
  }

  /**
   * Matches all detections of some images. Detections of images or categories that are not evaluated are skipped, as are
   * those beyond the largest detection limit of their cell.
   *
   * @param options observer, and shard of the images to match
   * @throws DataError for a score or box that is not finite, and what `cocoSimilarity` throws
   */
  match(
    detections: CocoDetections,
    { observe, shard }: { readonly observe?: CellObserver; readonly shard?: ThreadShard } = {},
  ): CocoMatches {
    assertDetections(detections);
    const similarity = cocoSimilarity(this.groundTruth, detections, this.parameters);
    const dts = orderByCell(this.grid, detections.imageOf, detections.categoryOf, shard);
    const rows = newMatches(dts.order.length, this.parameters.areaRanges.length * this.numWords);
    const matcher = new CellMatcher(this.parameters);
    const cellGroundTruth: CellGroundTruthLists = {
      areas: [],
      isCrowd: [],
      isIgnored: [],
      isRecorded: [],
    };
    const mostDts = this.parameters.maxDetections.at(-1) ?? 0;
    let ious = new Float64Array(1024);
    let scores = new Float64Array(1024);
    let areas = new Float64Array(1024);
    let byScore = new Uint32Array(1024);
    let numRows = 0;
    let gtFrom = 0;
    const gtCells = this.gtOrder.cells;
    const K = numCellCategories(this.grid);

    for (let from = 0, to = 0; from < dts.order.length; from = to) {
      const cell = dts.cells[from];
      while (to < dts.order.length && dts.cells[to] === cell) to++;
      while (gtFrom < gtCells.length && gtCells[gtFrom] < cell) {
        if (observe) gtFrom = this.showMissed(gtFrom, observe);
        else gtFrom++;
      }
      const firstGt = gtFrom;
      while (gtFrom < gtCells.length && gtCells[gtFrom] === cell) gtFrom++;
      const numGts = gtFrom - firstGt;

      if (scores.length < to - from) {
        scores = new Float64Array(2 * (to - from));
        areas = new Float64Array(2 * (to - from));
        byScore = new Uint32Array(2 * (to - from));
      }
      for (let i = from; i < to; i++) scores[i - from] = detections.scores[dts.order[i]];
      orderByScoreInto(byScore, scores, to - from);
      const numDts = Math.min(to - from, mostDts);
      const category = cell % K;
      const image = Math.floor(cell / K);
      for (let i = 0; i < numDts; i++) {
        rows.images[numRows + i] = image;
        rows.categories[numRows + i] = category;
        rows.scores[numRows + i] = scores[byScore[i]];
        rows.ranks[numRows + i] = i;
        byScore[i] = dts.order[from + byScore[i]]; // from here on the positions of the detections
      }
      const needsLists = numGts > 0 || observe !== undefined;
      // Most cells have no ground truth, and a view costs more than all the rest of theirs.
      const cellDts = needsLists ? byScore.slice(0, numDts) : NO_OBJECTS;
      const gts = needsLists ? this.gtOrder.order.subarray(firstGt, gtFrom) : NO_OBJECTS;
      if (ious.length < numDts * numGts) ious = new Float64Array(2 * numDts * numGts);
      if (numGts > 0) {
        similarity.fill(cellDts, gts, ious);
        this.gatherGroundTruth(gts, cellGroundTruth);
      }
      // Without a match, detections outside of the area range are ignored: here, outside of any.
      const isPartial = this.isPartial(image, category);
      for (let i = 0; i < numDts; i++)
        areas[i] = isPartial ? Infinity : similarity.area(byScore[i]);
      const { ids } = detections;
      const matched = observe && {
        image,
        category,
        dts: cellDts,
        gts,
        ious: ious.subarray(0, numDts * numGts),
      };
      matcher.match(
        {
          numDts,
          numGts,
          groundTruth: cellGroundTruth,
          ious,
          dtAreas: areas,
          holds: ids && ((d) => ids[byScore[d]] > 0),
        },
        { bits: rows, at: numRows, observe: matched && observe(matched) },
      );
      numRows += numDts;
    }
    while (observe && gtFrom < gtCells.length) gtFrom = this.showMissed(gtFrom, observe);
    return sortByCategory(rows, numRows, K);
  }

  /** Whether not all objects of a category are labeled in an image of a federated set. */
  private isPartial(image: number, category: number): boolean {
    const { grid, groundTruth } = this;
    const labels = groundTruth.federated?.partial.get(grid.imageIds[image]);
    return labels?.has(grid.categoryIds[category]) ?? false;
  }

  /** Reports a cell with ground truth but no detections, and returns the start of the next cell. */
  private showMissed(from: number, observe: CellObserver): number {
    const { cells, order } = this.gtOrder;
    let to = from;
    while (to < cells.length && cells[to] === cells[from]) to++;
    const K = numCellCategories(this.grid);
    observe({
      image: Math.floor(cells[from] / K),
      category: cells[from] % K,
      dts: new Uint32Array(0),
      gts: order.subarray(from, to),
      ious: new Float64Array(0),
    });
    return to;
  }

  private gatherGroundTruth(gts: Uint32Array, into: CellGroundTruthLists): void {
    const { groundTruth, parameters } = this;
    for (let j = 0; j < gts.length; j++) {
      const g = gts[j];
      into.areas[j] = groundTruth.areas[g];
      into.isCrowd[j] = groundTruth.isCrowd[g];
      into.isIgnored[j] = this.isIgnored[g];
      into.isRecorded[j] = parameters.strict && groundTruth.ids[g] === 0 ? 0 : 1;
    }
  }
}

const NO_OBJECTS = new Uint32Array(0);

function assertGroundTruth(groundTruth: CocoGroundTruth): void {
  const { imageOf, categoryOf, areas } = groundTruth;
  const images = new Set(groundTruth.imageIds);
  const categories = new Set(groundTruth.categories.map(({ id }) => id));
  const ids = new Set<number>();
  for (let g = 0; g < groundTruth.ids.length; g++) {
    const id = groundTruth.ids[g];
    const at = `annotation ${id}`;
    if (ids.has(id)) throw new DataError(`${at}: expected unique ids, got this one twice`, { id });
    ids.add(id);
    const wrong = (expected: string, got: number): DataError =>
      new DataError(`${at}: expected ${expected}, got ${got}`, { id });
    const [image, category, area] = [imageOf[g], categoryOf[g], areas[g]];
    if (!images.has(image)) throw wrong('a known image_id', image);
    if (!categories.has(category)) throw wrong('a known category_id', category);
    if (!Number.isFinite(area)) throw wrong('a finite area', area);
  }
  assertFinite('annotation', groundTruth.boxes, 4);
}

function assertDetections({ scores, boxes, areas, keypoints }: CocoDetections): void {
  assertFinite('score of detection', scores, 1);
  if (areas) assertFinite('area of detection', areas, 1);
  if (boxes) assertFinite('box of detection', boxes, 4);
  if (keypoints)
    assertFinite('keypoints of detection', keypoints, keypoints.length / scores.length);
}

function assertFinite(what: string, values: Float64Array, perItem: number): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    const item = Math.floor(i / perItem) + 1;
    throw new DataError(`${what} ${item}: expected finite numbers, got ${values[i]}`, { id: item });
  }
}
