import { assertObject } from '../../core/arguments.js';
import { accumulateCoco } from './accumulate.js';
import { matchImages, type ImageMatch, type ImageMatchOptions } from './match-images.js';
import { assertBuilt, type CocoDetections, type CocoGroundTruth } from './objects.js';
import { cocoParameters } from './parameters.js';

/** Kinds of errors in the order of the tests. */
export const ERROR_KINDS = [
  'localisation',
  'classification',
  'duplicate',
  'background',
  'both',
  'missed',
] as const;

/** A kind of error. */
export type ErrorKind = (typeof ERROR_KINDS)[number];

/** Errors of a detector and their costs. */
export interface ErrorBreakdown {
  /** AP at the threshold over all areas; NaN without ground truth. */
  readonly AP: number;
  readonly counts: Readonly<Record<ErrorKind, number>>;
  /** Gain of AP if only the errors of one kind were corrected, at least 0; 0 without ground truth. */
  readonly gains: Readonly<Record<ErrorKind, number>>;
  /** Gain of AP if all false detections had the lowest scores, and if no object were missed. */
  readonly special: { readonly falsePositives: number; readonly falseNegatives: number };
  /** `[D]`: kind of error of each detection; undefined if it is correct or ignored. */
  readonly kindOf: readonly (ErrorKind | undefined)[];
  /** Positions of the missed ground truths. */
  readonly missed: readonly number[];
}

/** Smallest IoU that is not background. */
const BACKGROUND_THRESHOLD = 0.1;

/** tidecv's recall points, whose last bits differ from those of COCO: gains are differences on one grid. */
const TIDE_RECALLS = Array.from({ length: 101 }, (_, i) => i / 100);

/** A detection of a curve. */
interface Row {
  readonly category: number;
  readonly score: number;
  readonly isTrue: boolean;
  /** Kind of error; undefined if correct. */
  readonly kind?: ErrorKind;
  /** Ground truth that it would match if corrected; −1 if there is none. */
  readonly target: number;
}

/**
 * Classifies false detections and missed objects by kind of error; `f` is the threshold and `b` = 0.1 that of background:
 *
 * - localization: correct category, IoU in `[b, f)`
 * - classification: another category, IoU ≥ f
 * - duplicate: correct category, IoU ≥ f, but a better detection matches the object
 * - background: IoU < b with all objects
 * - both: another category, IoU in `[b, f)`
 * - missed: objects without a match, not even by a detection with one of the first two errors
 *
 * Gains are computed by an oracle: localization and classification errors are corrected (or removed if their object is
 * already matched, or claimed by a detection of a higher score with an error of either kind), other false detections are
 * removed, and missed objects are dropped from the ground truth.
 *
 * Equal to the package tidecv 1.0.1 but for conventions of COCO's evaluation, which are kept so that AP is AP50: at most
 * 100 detections per image and category (tidecv/data.py, `max_dets`: per image), categories without objects do not count
 * (tidecv/ap.py, `get_mAP`: AP 0), detections that a crowd absorbs are no errors (tidecv/quantify.py, `_eval_image`: they
 * are judged, too), and a crowd absorbs from the threshold on (`TIDEExample._run`: above it).
 *
 * @see TIDE, https://arxiv.org/abs/2008.08115
 */
export function errorBreakdown(
  groundTruth: CocoGroundTruth,
  detections: CocoDetections,
  options: ImageMatchOptions,
): ErrorBreakdown {
  assertBuilt('errorBreakdown', groundTruth);
  assertObject('errorBreakdown', 'detections of a builder', detections, 'scores');
  assertObject('errorBreakdown', 'an object of options', options);
  const categoryIds = groundTruth.categories.map(({ id }) => id).sort((a, b) => a - b);
  const indexOf = new Map(categoryIds.map((id, k) => [id, k]));
  const categoryOf = (id: number): number => indexOf.get(id) ?? -1;
  const rows: Row[] = []; // image by image: ties keep this order
  const kindOf = new Array<ErrorKind | undefined>(detections.scores.length).fill(undefined);
  const missed: number[] = [];
  const totals = new Int32Array(categoryIds.length);
  const missedOf = new Int32Array(categoryIds.length);
  const isMatched = new Set<number>();

  matchImages(groundTruth, detections, options, (match) => {
    const { dts, gts, matchOf, matchedBy } = match;
    const reachable = new Set<number>();
    for (let d = 0; d < dts.length; d++) {
      if (matchOf[d] >= 0 && groundTruth.isCrowd[gts[matchOf[d]]]) continue;
      const score = detections.scores[dts[d]];
      const category = categoryOf(detections.categoryOf[dts[d]]);
      if (matchOf[d] >= 0) {
        rows.push({ category, score, isTrue: true, target: -1 });
        isMatched.add(gts[matchOf[d]]);
        continue;
      }
      const { kind, target } = judge(match, d, groundTruth, detections, options);
      kindOf[dts[d]] = kind;
      if (target >= 0) reachable.add(target);
      rows.push({ category, score, isTrue: false, kind, target: target >= 0 ? gts[target] : -1 });
    }
    for (let g = 0; g < gts.length; g++) {
      if (groundTruth.isCrowd[gts[g]]) continue;
      const category = categoryOf(groundTruth.categoryOf[gts[g]]);
      totals[category]++;
      if (matchedBy[g] >= 0 || reachable.has(g)) continue;
      missed.push(gts[g]);
      missedOf[category]++;
    }
  });

  const AP = meanAp(rows, totals);
  const before = meanAp(rows, totals, TIDE_RECALLS);
  const claims = claimTargets(rows, isMatched);
  const fixed = (kind: ErrorKind): number => {
    if (kind === 'missed')
      return meanAp(
        rows,
        totals.map((n, k) => n - missedOf[k]),
        TIDE_RECALLS,
      );
    const corrected = rows.flatMap((row): Row[] => {
      if (row.kind !== kind) return [row];
      if (!claims.has(row)) return [];
      return [{ ...row, category: categoryOf(groundTruth.categoryOf[row.target]), isTrue: true }];
    });
    return meanAp(corrected, totals, TIDE_RECALLS);
  };
  const byKind = (value: (kind: ErrorKind) => number): Record<ErrorKind, number> =>
    Object.fromEntries(ERROR_KINDS.map((kind) => [kind, value(kind)])) as Record<ErrorKind, number>;
  const count = (kind: ErrorKind): number => rows.filter((row) => row.kind === kind).length;
  // Without ground truth, or with none left because all of it was missed, there is no AP to gain.
  const gain = (after: number): number => (Number.isNaN(after - before) ? 0 : after - before);
  return {
    AP,
    counts: byKind((kind) => (kind === 'missed' ? missed.length : count(kind))),
    gains: byKind((kind) => Math.max(0, gain(fixed(kind)))),
    special: {
      falsePositives: gain(meanAp(rows.map(separated), totals, TIDE_RECALLS)),
      falseNegatives: gain(meanAp(rows, foundOf(rows, totals.length), TIDE_RECALLS)),
    },
    kindOf,
    missed,
  };
}

/** Scores true detections 1 and false ones 0. */
const separated = (row: Row): Row => ({ ...row, score: row.isTrue ? 1 : 0 });

/** Number of objects of each category that are found. */
function foundOf(rows: readonly Row[], numCategories: number): Int32Array {
  const found = new Int32Array(numCategories);
  for (const { category, isTrue } of rows) if (isTrue && category >= 0) found[category]++;
  return found;
}

/** Rows that match their object when corrected: the best one of each unmatched object. */
function claimTargets(rows: readonly Row[], isMatched: ReadonlySet<number>): ReadonlySet<Row> {
  const claims = new Map<number, Row>();
  for (const row of rows) {
    if (row.target < 0 || isMatched.has(row.target)) continue;
    if (row.score > (claims.get(row.target)?.score ?? -Infinity)) claims.set(row.target, row);
  }
  return new Set(claims.values());
}

/** Determines the error of detection `d`, and the object of the image that it should match. */
function judge(
  { dts, gts, ious }: ImageMatch,
  d: number,
  groundTruth: CocoGroundTruth,
  detections: CocoDetections,
  { iouThreshold }: ImageMatchOptions,
): { kind: ErrorKind; target: number } {
  const best = { own: -1, other: -1 };
  const iou = { own: 0, other: 0 };
  for (let g = 0; g < gts.length; g++) {
    if (groundTruth.isCrowd[gts[g]]) continue;
    const isOwn = groundTruth.categoryOf[gts[g]] === detections.categoryOf[dts[d]];
    const side = isOwn ? 'own' : 'other';
    if (ious[d * gts.length + g] <= iou[side]) continue;
    iou[side] = ious[d * gts.length + g];
    best[side] = g;
  }
  if (iou.own >= BACKGROUND_THRESHOLD && iou.own <= iouThreshold)
    return { kind: 'localisation', target: best.own };
  if (iou.other >= iouThreshold) return { kind: 'classification', target: best.other };
  if (iou.own >= iouThreshold) return { kind: 'duplicate', target: -1 };
  if (Math.max(iou.own, iou.other) <= BACKGROUND_THRESHOLD)
    return { kind: 'background', target: -1 };
  return { kind: 'both', target: -1 };
}

/** Mean AP over the categories with objects. */
function meanAp(
  rows: readonly Row[],
  totals: Int32Array,
  recallPoints?: readonly number[],
): number {
  const known = rows.filter(({ category }) => category >= 0);
  const sorted = known.sort((a, b) => a.category - b.category || b.score - a.score);
  const { shape, precision } = accumulateCoco(
    {
      images: new Int32Array(sorted.length),
      categories: Int32Array.from(sorted, ({ category }) => category),
      scores: Float64Array.from(sorted, ({ score }) => score),
      ranks: new Int32Array(sorted.length),
      matched: Uint32Array.from(sorted, ({ isTrue }) => (isTrue ? 1 : 0)),
      ignored: new Uint32Array(sorted.length),
    },
    totals,
    cocoParameters('bbox', {
      iouThresholds: [0.5],
      maxDetections: [1],
      recallPoints,
      areaRanges: [{ name: 'all', min: 0, max: Infinity }],
    }),
  );
  let sum = 0;
  let count = 0;
  for (let i = 0; i < precision.length; i++) {
    if (precision[i] < 0) continue;
    sum += precision[i];
    count++;
  }
  return count > 0 && shape[2] > 0 ? sum / count : NaN;
}
