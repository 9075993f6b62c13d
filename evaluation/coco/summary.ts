import type { FederatedLabels, Frequency } from '../../core/coco.js';
import type { CocoCurves } from './accumulate.js';
import type { CocoGrid } from './grid.js';
import type { CocoParameters } from './parameters.js';

/** Average precision and recall of one category; −1 without ground truth. */
export interface CategorySummary {
  /** −1 if categories are pooled. */
  readonly categoryId: number;
  /** Over the first area range and the largest detection limit, like the next three. */
  readonly AP: number;
  readonly AP50: number;
  readonly AP75: number;
  readonly AR: number;
  /** `[A]`. */
  readonly APbyArea: readonly number[];
  /** `[A]`. */
  readonly ARbyArea: readonly number[];
}

/** Names of the 12 numbers of boxes and masks, in order. */
export const DETECTION_STATS = [
  'AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR1', 'AR10', 'AR100', 'ARs', 'ARm', 'ARl',
] as const; // prettier-ignore

/** Names of the 10 numbers of keypoints, in order. */
export const KEYPOINT_STATS = [
  'AP', 'AP50', 'AP75', 'APm', 'APl', 'AR', 'AR50', 'AR75', 'ARm', 'ARl',
] as const; // prettier-ignore

/** Names of the 13 numbers of LVIS, in order: rare, common and frequent categories have their own. */
export const LVIS_STATS = [
  'AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'APr', 'APc', 'APf', 'AR', 'ARs', 'ARm', 'ARl',
] as const; // prettier-ignore

/**
 * Computes the 13 numbers of LVIS at the largest detection limit; −1 without ground truth.
 *
 * @see https://github.com/lvis-dataset/lvis-api/blob/35f09cd/lvis/eval.py
 */
export function summarizeLvis(
  curves: CocoCurves,
  { categoryIds }: CocoGrid,
  parameters: CocoParameters,
  { frequencies }: FederatedLabels,
): readonly number[] {
  const all = range(curves.shape[2]);
  const block = (area: string, iou?: number, categories = all): Block => ({
    thresholds: thresholdsOf(parameters.iouThresholds, iou),
    categories,
    a: parameters.areaRanges.findIndex(({ name }) => name === area),
    m: curves.shape[4] - 1,
  });
  const ap = (area: string, iou?: number): number => precisionMean(curves, block(area, iou));
  const ofFrequency = (frequency: Frequency): number => {
    const own = all.filter((k) => frequencies.get(categoryIds[k]) === frequency);
    return precisionMean(curves, block('all', undefined, own));
  };
  return [
    ...[ap('all'), ap('all', 0.5), ap('all', 0.75), ap('small'), ap('medium'), ap('large')],
    ...[ofFrequency('r'), ofFrequency('c'), ofFrequency('f')],
    ...['all', 'small', 'medium', 'large'].map((area) => recallMean(curves, block(area))),
  ];
}

interface Slice {
  readonly iou?: number;
  readonly area: string;
  readonly limit: number | undefined;
}

/**
 * Computes the 12 numbers of boxes and masks or the 10 of keypoints; −1 without ground truth. As in the reference, the
 * first number needs a detection limit of exactly 100 for boxes and masks and of 20 for keypoints, and area ranges are
 * found by name.
 */
export function summarizeCoco(curves: CocoCurves, parameters: CocoParameters): readonly number[] {
  const limits = parameters.maxDetections;
  const over = (mean: typeof precisionMean) => (slice: Slice) => {
    const block = sliceBlock(curves, parameters, slice);
    return block ? mean(curves, block) : -1;
  };
  const [ap, ar] = [over(precisionMean), over(recallMean)];
  if (parameters.iouType === 'keypoints') {
    const of = (mean: (slice: Slice) => number): number[] => [
      mean({ area: 'all', limit: 20 }),
      mean({ area: 'all', limit: 20, iou: 0.5 }),
      mean({ area: 'all', limit: 20, iou: 0.75 }),
      mean({ area: 'medium', limit: 20 }),
      mean({ area: 'large', limit: 20 }),
    ];
    return [...of(ap), ...of(ar)];
  }
  const limit = limits[2] ?? limits.at(-1);
  return [
    ap({ area: 'all', limit: 100 }),
    ap({ area: 'all', limit, iou: 0.5 }),
    ap({ area: 'all', limit, iou: 0.75 }),
    ap({ area: 'small', limit }),
    ap({ area: 'medium', limit }),
    ap({ area: 'large', limit }),
    ar({ area: 'all', limit: limits[0] }),
    ar({ area: 'all', limit: limits[1] ?? limits[0] }),
    ar({ area: 'all', limit }),
    ar({ area: 'small', limit }),
    ar({ area: 'medium', limit }),
    ar({ area: 'large', limit }),
  ];
}

/** A number with its name. */
interface NamedStat {
  readonly name: string;
  readonly value: number;
}

/**
 * Names the numbers of {@link summarizeCoco} for people. For other detection limits than the standard ones, recalls are
 * named by their limits (`AR10`, `AR1000`), and all other numbers are those at the largest limit.
 */
export function namedStats(curves: CocoCurves, parameters: CocoParameters): readonly NamedStat[] {
  const { iouType, maxDetections: limits } = parameters;
  const isKeypoints = iouType === 'keypoints';
  // With its largest limit as the only one, the reference's numbers are those at that limit.
  const atLast = summarizeCoco(atLimit(curves, limits.length - 1), {
    ...parameters,
    maxDetections: [isKeypoints ? 20 : 100],
  });
  if (isKeypoints) return KEYPOINT_STATS.map((name, i) => ({ name, value: atLast[i] }));
  const recalls = limits.map((limit, m) => ({
    name: `AR${limit}`,
    value: summarizeCoco(atLimit(curves, m), { ...parameters, maxDetections: [limit] })[8],
  }));
  const named = DETECTION_STATS.map((name, i) => ({ name, value: atLast[i] }));
  return [...named.slice(0, 6), ...recalls, ...named.slice(9)];
}

/** Curves of one detection limit. */
function atLimit({ shape, precision, recall, scores }: CocoCurves, m: number): CocoCurves {
  const [T, R, K, A, M] = shape;
  const only = (values: Float64Array): Float64Array => values.filter((_, i) => i % M === m);
  return {
    shape: [T, R, K, A, 1],
    precision: only(precision),
    recall: only(recall),
    scores: only(scores),
  };
}

/** Computes AP and AR of every category, in the order of the grid. */
export function summarizeCategories(
  curves: CocoCurves,
  grid: CocoGrid,
  parameters: CocoParameters,
): readonly CategorySummary[] {
  const [, , K, A, M] = curves.shape;
  const { iouThresholds } = parameters;
  return Array.from({ length: K }, (_, k) => {
    const block = (a: number, iou?: number): Block => ({
      thresholds: thresholdsOf(iouThresholds, iou),
      categories: [k],
      a,
      m: M - 1,
    });
    const ap = (a: number, iou?: number): number => precisionMean(curves, block(a, iou));
    const ar = (a: number): number => recallMean(curves, block(a));
    const areas = range(A);
    return {
      categoryId: grid.pooled ? -1 : grid.categoryIds[k],
      AP: ap(0),
      AP50: ap(0, 0.5),
      AP75: ap(0, 0.75),
      AR: ar(0),
      APbyArea: areas.map((a) => ap(a)),
      ARbyArea: areas.map((a) => ar(a)),
    };
  });
}

/** AP and AR over all categories for any thresholds, area ranges and limits; −1 without ground truth. */
export interface CocoTables {
  /** Over all thresholds, with the largest detection limit. */
  readonly byArea: readonly { readonly area: string; readonly AP: number; readonly AR: number }[];
  /** Over the first area range, with the largest detection limit. */
  readonly byIou: readonly { readonly iou: number; readonly AP: number; readonly AR: number }[];
  /** Over all thresholds and the first area range. */
  readonly byLimit: readonly { readonly limit: number; readonly AP: number; readonly AR: number }[];
}

/** Generalizes the 12 numbers to any parameters. */
export function tabulateCoco(curves: CocoCurves, parameters: CocoParameters): CocoTables {
  const { iouThresholds, areaRanges, maxDetections } = parameters;
  const [, , K, , M] = curves.shape;
  const all = range(iouThresholds.length);
  const both = (thresholds: number[], a: number, m: number): { AP: number; AR: number } => {
    const block = { thresholds, categories: range(K), a, m };
    return { AP: precisionMean(curves, block), AR: recallMean(curves, block) };
  };
  return {
    byArea: areaRanges.map(({ name }, a) => ({ area: name, ...both(all, a, M - 1) })),
    byIou: iouThresholds.map((iou, t) => ({ iou, ...both([t], 0, M - 1) })),
    byLimit: maxDetections.map((limit, m) => ({ limit, ...both(all, 0, m) })),
  };
}

function sliceBlock(
  curves: CocoCurves,
  { iouThresholds, areaRanges, maxDetections }: CocoParameters,
  { area, limit, iou }: Slice,
): Block | undefined {
  const a = areaRanges.findIndex(({ name }) => name === area);
  const m = maxDetections.findIndex((n) => n === limit);
  if (a < 0 || m < 0) return undefined;
  return { thresholds: thresholdsOf(iouThresholds, iou), categories: range(curves.shape[2]), a, m };
}

function thresholdsOf(all: readonly number[], iou?: number): number[] {
  return range(all.length).filter((t) => iou === undefined || all[t] === iou);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Indices to average over. */
interface Block {
  readonly thresholds: readonly number[];
  readonly categories: readonly number[];
  readonly a: number;
  readonly m: number;
}

const precisionMean = ({ shape, precision }: CocoCurves, block: Block): number =>
  blockMean(precision, shape, block);

const recallMean = ({ shape: [T, , K, A, M], recall }: CocoCurves, block: Block): number =>
  blockMean(recall, [T, 1, K, A, M], block);

/** Mean of the defined values (above −1) of `[T, R, K, A, M]` over thresholds, recall points and categories, or −1. */
function blockMean(values: Float64Array, shape: CocoCurves['shape'], block: Block): number {
  const [, R, K, A, M] = shape;
  const { thresholds, categories, a, m } = block;
  let sum = 0;
  let count = 0;
  for (const t of thresholds)
    for (let r = 0; r < R; r++)
      for (const k of categories) {
        const value = values[(((t * R + r) * K + k) * A + a) * M + m];
        if (value <= -1) continue;
        sum += value;
        count++;
      }
  return count === 0 ? -1 : sum / count;
}
