import type { FederatedLabels, IouType } from '../../core/coco.js';
import { rleArea } from '../../core/rle.js';
import { orderByScore } from '../score-order.js';
import { rleOfPool, type MaskPool } from './mask-pool.js';
import type { CocoDetections, CocoGroundTruth } from './objects.js';
import { cocoParameters, type CocoChanges, type CocoParameters } from './parameters.js';

/** Detections of an image that LVIS evaluates. */
export const LVIS_DETECTIONS = 300;

/** Detections of a category over the whole set that fixed AP evaluates. */
export const FIXED_DETECTIONS = 10_000;

/** Parameters of LVIS: COCO's with 300 detections of an image over all categories. */
export const lvisParameters = (iouType: IouType, changes: CocoChanges = {}): CocoParameters =>
  cocoParameters(iouType, {
    maxDetections: [LVIS_DETECTIONS],
    detectionsPerImage: LVIS_DETECTIONS,
    ...changes,
  });

/**
 * Parameters of fixed AP, which does not make categories compete for the places of an image: 10,000 detections of a category
 * over the whole set, which must be evaluated at once.
 *
 * @see Dave et al., Evaluating large-vocabulary object detectors: the devil is in the details, https://arxiv.org/abs/2102.01066
 */
export const fixedApParameters = (iouType: IouType, limit = FIXED_DETECTIONS): CocoParameters =>
  cocoParameters(iouType, { maxDetections: [limit], detectionsPerCategory: limit });

/** Ground truth by the rules of LVIS: there are no crowds, and objects without area are left out. */
export function federatedGroundTruth(groundTruth: CocoGroundTruth): CocoGroundTruth {
  const rows = rowsWhere(groundTruth.areas.length, (g) => groundTruth.areas[g] > 0);
  const { ids, imageOf, categoryOf, boxes, areas, ignoreFlags, masks } = groundTruth;
  return {
    ...groundTruth,
    ids: picked(ids, rows),
    imageOf: picked(imageOf, rows),
    categoryOf: picked(categoryOf, rows),
    boxes: picked(boxes, rows, 4),
    areas: picked(areas, rows),
    isCrowd: new Uint8Array(rows.length),
    ignoreFlags: Uint8Array.from(rows, (g) => ignoreFlags[g]),
    masks: masks && pickedMasks(masks, rows),
  };
}

/**
 * Selects the detections that a federated set can judge: the best ones of each image or category, then those of categories
 * that the image is labeled for, present or absent. As in the reference, detections without area are left out.
 *
 * @see LVISResults and LVISEval: https://github.com/lvis-dataset/lvis-api/blob/35f09cd/lvis/eval.py
 */
export function federatedDetections(
  groundTruth: CocoGroundTruth,
  { absent }: FederatedLabels,
  detections: CocoDetections,
  { detectionsPerImage, detectionsPerCategory }: CocoParameters,
): CocoDetections {
  const { imageOf, categoryOf, masks } = detections;
  const areas =
    detections.areas ??
    (masks && Float64Array.from(imageOf, (_, d) => rleArea(rleOfPool(masks, d))));
  const present = new Map<number, Set<number>>(); // by image id
  groundTruth.imageOf.forEach((image, g) => {
    const categories = present.get(image);
    if (categories) categories.add(groundTruth.categoryOf[g]);
    else present.set(image, new Set([groundTruth.categoryOf[g]]));
  });
  const isBest = new Uint8Array(imageOf.length).fill(1);
  if (detectionsPerImage !== undefined) keepBest(detections, imageOf, detectionsPerImage, isBest);
  if (detectionsPerCategory !== undefined)
    keepBest(detections, categoryOf, detectionsPerCategory, isBest);
  const rows = rowsWhere(imageOf.length, (d) => {
    const [image, category] = [imageOf[d], categoryOf[d]];
    const isJudged = [present, absent].some((labels) => labels.get(image)?.has(category));
    return isBest[d] === 1 && isJudged && !(areas && areas[d] <= 0);
  });
  const { ids, scores, boxes } = detections;
  return {
    ...detections,
    imageOf: picked(imageOf, rows),
    categoryOf: picked(categoryOf, rows),
    scores: picked(scores, rows),
    ids: ids && picked(ids, rows),
    areas: areas && picked(areas, rows),
    boxes: boxes && picked(boxes, rows, 4),
    masks: masks && pickedMasks(masks, rows),
  };
}

/** Clears the flags of all but the `limit` best detections of every group; of equal scores, the first ones stay. */
function keepBest(
  { scores }: CocoDetections,
  groupOf: Float64Array,
  limit: number,
  flags: Uint8Array,
): void {
  const counts = new Map<number, number>();
  for (const d of orderByScore(scores)) {
    const count = (counts.get(groupOf[d]) ?? 0) + 1;
    counts.set(groupOf[d], count);
    if (count > limit) flags[d] = 0;
  }
}

function rowsWhere(count: number, isWanted: (row: number) => boolean): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => i).filter(isWanted);
}

/** Rows of `width` numbers. */
function picked(values: Float64Array, rows: Uint32Array, width = 1): Float64Array {
  const out = new Float64Array(rows.length * width);
  rows.forEach((row, i) => out.set(values.subarray(row * width, (row + 1) * width), i * width));
  return out;
}

const pickedMasks = (pool: MaskPool, rows: Uint32Array): MaskPool => ({
  text: pool.text,
  starts: picked(pool.starts, rows),
  lengths: picked(pool.lengths, rows),
  heights: picked(pool.heights, rows),
  widths: picked(pool.widths, rows),
});
