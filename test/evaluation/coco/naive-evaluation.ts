import { decodeRle, type Rle, type XywhBox } from '../../../core/rle.js';
import type { CocoParameters } from '../../../evaluation/coco/parameters.js';

/** Objects as records, for the slow evaluation that serves as oracle. */
export interface Problem {
  readonly imageIds: readonly number[];
  readonly categoryIds: readonly number[];
  readonly groundTruth: readonly TruthRecord[];
  readonly detections: readonly DetectionRecord[];
}

export interface TruthRecord {
  readonly id: number;
  readonly imageId: number;
  readonly categoryId: number;
  readonly box: XywhBox;
  readonly mask: Rle;
  readonly area: number;
  readonly isCrowd: boolean;
}

export interface DetectionRecord {
  readonly id: number;
  readonly imageId: number;
  readonly categoryId: number;
  readonly box: XywhBox;
  readonly mask: Rle;
  readonly area: number;
  readonly score: number;
}

interface Matched {
  readonly score: number;
  readonly isTrue: boolean;
  readonly isIgnored: boolean;
}

/** IoU by the areas of boxes or by counting pixels. */
function similarity(iouType: string, dt: DetectionRecord, gt: TruthRecord): number {
  if (iouType === 'bbox') {
    const [dx, dy, dw, dh] = dt.box;
    const [gx, gy, gw, gh] = gt.box;
    const w = Math.min(dx + dw, gx + gw) - Math.max(dx, gx);
    const h = Math.min(dy + dh, gy + gh) - Math.max(dy, gy);
    if (w <= 0 || h <= 0) return 0;
    return (w * h) / (gt.isCrowd ? dw * dh : dw * dh + gw * gh - w * h);
  }
  const [a, b] = [decodeRle(dt.mask), decodeRle(gt.mask)];
  const both = a.filter((pixel, i) => pixel & b[i]).length;
  const either = a.filter((pixel, i) => (gt.isCrowd ? pixel : pixel | b[i])).length;
  return both === 0 ? 0 : both / either;
}

/** One image and category at one threshold and area range, by the rules. */
function matchCell(
  dts: readonly DetectionRecord[],
  gts: readonly TruthRecord[],
  threshold: number,
  range: { min: number; max: number },
  iouType: string,
  strict: boolean,
): Matched[] {
  const isIgnored = (gt: TruthRecord): boolean =>
    gt.isCrowd || gt.area < range.min || gt.area > range.max;
  const order = [...gts.filter((gt) => !isIgnored(gt)), ...gts.filter(isIgnored)];
  const taken = new Set<TruthRecord>();
  return dts.map((dt) => {
    let best: TruthRecord | undefined;
    let bestIou = Math.min(threshold, 1 - 1e-10);
    for (const gt of order) {
      if (taken.has(gt) && !gt.isCrowd) continue;
      if (best && !isIgnored(best) && isIgnored(gt)) break;
      const iou = similarity(iouType, dt, gt);
      if (iou < bestIou) continue;
      bestIou = iou;
      best = gt;
    }
    if (best && dt.id > 0) taken.add(best);
    const isTrue = best !== undefined && !(strict && best.id === 0);
    const isOutside = dt.area < range.min || dt.area > range.max;
    return {
      score: dt.score,
      isTrue,
      isIgnored: (best !== undefined && isIgnored(best)) || (!isTrue && isOutside),
    };
  });
}

/** Precision, recall and scores, `[T, R, K, A, M]` and `[T, K, A, M]`, with no thought of speed. */
export function naiveCurves(
  problem: Problem,
  parameters: CocoParameters,
): { precision: number[]; recall: number[]; scores: number[] } {
  const { iouThresholds, recallPoints, maxDetections, areaRanges, iouType, strict } = parameters;
  const imageIds = [...new Set(parameters.imageIds ?? problem.imageIds)].sort((a, b) => a - b);
  const wanted = parameters.categoryIds ?? [...problem.categoryIds].sort((a, b) => a - b);
  const groups = parameters.useCategories
    ? [...new Set(wanted)].sort((a, b) => a - b).map((id) => [id])
    : [[...new Set(wanted)]];
  const largest = Math.max(...maxDetections);
  const inCell = <Item extends { imageId: number; categoryId: number }>(
    items: readonly Item[],
    imageId: number,
    group: readonly number[],
  ): Item[] =>
    group.flatMap((id) => items.filter((i) => i.imageId === imageId && i.categoryId === id));
  const precision: number[] = [];
  const scores: number[] = [];
  const recall: number[] = [];
  for (const threshold of iouThresholds) {
    const table: { precision: number[]; scores: number[] }[] = [];
    for (const group of groups)
      for (const range of areaRanges) {
        const cells = imageIds.map((imageId) => {
          const gts = inCell(problem.groundTruth, imageId, group);
          const dts = inCell(problem.detections, imageId, group)
            .sort((a, b) => b.score - a.score)
            .slice(0, largest);
          return { gts, matched: matchCell(dts, gts, threshold, range, iouType, strict) };
        });
        const total = cells
          .flatMap(({ gts }) => gts)
          .filter((gt) => !gt.isCrowd && gt.area >= range.min && gt.area <= range.max).length;
        for (const limit of maxDetections) {
          const all = cells.flatMap(({ matched }) => matched.slice(0, limit));
          const curve = curveOf(all, total, recallPoints);
          table.push(curve);
          recall.push(curve.recall);
        }
      }
    for (let r = 0; r < recallPoints.length; r++)
      for (const curve of table) {
        precision.push(curve.precision[r]);
        scores.push(curve.scores[r]);
      }
  }
  return { precision, recall, scores };
}

function curveOf(
  detections: readonly Matched[],
  total: number,
  recallPoints: readonly number[],
): { precision: number[]; scores: number[]; recall: number } {
  const nothing = recallPoints.map(() => -1);
  if (total === 0) return { precision: nothing, scores: nothing, recall: -1 };
  const sorted = [...detections].sort((a, b) => b.score - a.score);
  let [numTrue, numFalse] = [0, 0];
  const points = sorted.map(({ score, isTrue, isIgnored }) => {
    if (!isIgnored && isTrue) numTrue++;
    if (!isIgnored && !isTrue) numFalse++;
    return {
      score,
      recall: numTrue / total,
      precision: numTrue / (numFalse + numTrue + Number.EPSILON),
    };
  });
  const reached = recallPoints.map((point) => points.findIndex(({ recall }) => recall >= point));
  return {
    precision: reached.map((i) =>
      i < 0 ? 0 : Math.max(...points.slice(i).map(({ precision }) => precision)),
    ),
    scores: reached.map((i) => (i < 0 ? 0 : points[i].score)),
    recall: points.at(-1)?.recall ?? 0,
  };
}
