import { AREA_FLOOR_PX, numBoxes, type Boxes } from './boxes.js';
import { ConfigError, ShapeError } from './errors.js';
import * as t from './schema.js';

/** Thresholds of the IoU matcher. */
export const MatcherConfig = t.record({
  /** Boxes at or above this IoU are matched to the ground truth of highest IoU. */
  positiveIou: t.FRACTION,
  /** Boxes below this IoU are background; boxes between the two thresholds are ignored. */
  negativeIou: t.FRACTION,
  /** Smallest best IoU of a ground truth for which low-quality matching applies. */
  minPositiveIou: t.FRACTION,
  /**
   * Low-quality matching: whether the boxes of highest IoU with a ground truth are matched to it even below
   * `positiveIou`.
   */
  lowQuality: t.FLAG,
  /**
   * Tolerance within which low-quality matching treats an IoU as equal to the best. 0 as in the original, where
   * float32 rounding separates some anchors that are tied mathematically; 1e-6 matches those too, as float64 would.
   */
  tieTolerance: t.NON_NEGATIVE,
});
export type MatcherConfig = t.Infer<typeof MatcherConfig>;

/** The matcher of the RPN. */
export const RPN_MATCHER = {
  positiveIou: 0.7,
  negativeIou: 0.3,
  minPositiveIou: 0.3,
  lowQuality: true,
  tieTolerance: 0,
} as const satisfies MatcherConfig;

/** The matcher of Mask R-CNN's box head. */
export const ROI_MATCHER = {
  positiveIou: 0.5,
  negativeIou: 0.5,
  minPositiveIou: 0.5,
  lowQuality: true,
  tieTolerance: 0,
} as const satisfies MatcherConfig;

/** The matchers of the three stages of Cascade R-CNN. */
export const CASCADE_MATCHERS = [0.5, 0.6, 0.7].map((iou): MatcherConfig => ({
  positiveIou: iou,
  negativeIou: iou,
  minPositiveIou: iou,
  lowQuality: false,
  tieTolerance: 0,
}));

/** Value of {@link Matches.assigned} for boxes excluded from the loss. */
const IGNORED = -1;
/** Value of {@link Matches.assigned} for background. */
export const BACKGROUND = 0;

/** Outcome of matching. */
interface Matches {
  /** `int32 [M]`: −1 ignored, 0 background, g + 1 for ground truth g. */
  readonly assigned: Int32Array;
  /** `[M]`: highest IoU with any ground truth; 0 if there is none or the box is excluded. */
  readonly maxOverlaps: Float32Array;
}

const f32 = Math.fround;

/**
 * Assigns boxes to ground truths by IoU. Low-quality matching assigns to a ground truth *every* box whose IoU equals
 * its best (neighboring anchors often tie exactly). It overrides the thresholds, and later ground truths override
 * earlier ones. If a box has equal IoUs with several ground truths, the first one wins. Boxes without overlap are
 * never assigned. IoUs are float32 in the original's order.
 *
 * @param boxes `[M, 4]`
 * @param groundTruths `[G, 4]`; none makes every box background
 * @param include `uint8 [M]`: boxes with 0 are ignored and don't count for the best IoU either
 * @throws ShapeError unless the lengths fit; ConfigError if the thresholds are the wrong way round
 * @see https://github.com/open-mmlab/mmdetection/blob/v2.11.0/mmdet/core/bbox/assigners/max_iou_assigner.py
 */
export function matchBoxes(
  boxes: Boxes,
  groundTruths: Boxes,
  config: MatcherConfig,
  include?: Uint8Array,
): Matches {
  const M = numBoxes('matchBoxes', boxes);
  const G = numBoxes('matchBoxes', groundTruths);
  checkArguments(M, config, include);
  const maxOverlaps = new Float32Array(M);
  const best = new Int32Array(M); // index of the ground truth of highest IoU
  const lowQuality = new Int32Array(M); // g + 1 of the last ground truth that claims the box, else 0
  const overlaps: Overlaps = { indices: new Int32Array(M), ious: new Float32Array(M) };
  const minPositive = f32(config.minPositiveIou);
  for (let g = 0; g < G; g++) {
    const count = overlapsWith(groundTruths, g, boxes, include, overlaps);
    const { indices, ious } = overlaps;
    let highest = 0;
    for (let k = 0; k < count; k++) {
      if (ious[k] > highest) highest = ious[k];
      if (ious[k] > maxOverlaps[indices[k]]) {
        maxOverlaps[indices[k]] = ious[k];
        best[indices[k]] = g;
      }
    }
    if (!config.lowQuality || highest < minPositive) continue;
    const lowest = highest - config.tieTolerance;
    for (let k = 0; k < count; k++) if (ious[k] >= lowest) lowQuality[indices[k]] = g + 1;
  }
  const [positive, negative] = [f32(config.positiveIou), f32(config.negativeIou)];
  const assigned = new Int32Array(M).fill(IGNORED);
  for (let i = 0; i < M; i++) {
    if (include !== undefined && include[i] === 0) continue;
    if (G === 0) assigned[i] = BACKGROUND;
    else if (lowQuality[i] > 0) assigned[i] = lowQuality[i];
    else if (maxOverlaps[i] >= positive) assigned[i] = best[i] + 1;
    else if (maxOverlaps[i] < negative) assigned[i] = BACKGROUND;
  }
  return { assigned, maxOverlaps };
}

function checkArguments(M: number, config: MatcherConfig, include?: Uint8Array): void {
  if (include !== undefined && include.length !== M)
    throw new ShapeError(
      `matchBoxes: expected an include flag for ${M} boxes, got ${include.length}`,
    );
  if (!(config.negativeIou <= config.positiveIou))
    throw new ConfigError(
      `matchBoxes: expected negativeIou <= positiveIou, got ${String(config.negativeIou)} > ${String(config.positiveIou)}`,
    );
}

/** Boxes that overlap a ground truth. Buffers: only the first `count` entries are valid. */
interface Overlaps {
  readonly indices: Int32Array;
  readonly ious: Float32Array;
}

/** Writes the boxes that overlap ground truth `g` and their IoUs; returns their number. */
function overlapsWith(
  groundTruths: Boxes,
  g: number,
  boxes: Boxes,
  include: Uint8Array | undefined,
  { indices, ious }: Overlaps,
): number {
  const x1 = groundTruths[4 * g];
  const y1 = groundTruths[4 * g + 1];
  const x2 = groundTruths[4 * g + 2];
  const y2 = groundTruths[4 * g + 3];
  const area = f32(f32(x2 - x1) * f32(y2 - y1));
  const floor = f32(AREA_FLOOR_PX);
  let count = 0;
  for (let i = 0, b = 0; b < boxes.length; i++, b += 4) {
    // The y axis first: anchors are ordered by rows, so this branch is well predicted.
    const top = boxes[b + 1] > y1 ? boxes[b + 1] : y1;
    const bottom = boxes[b + 3] < y2 ? boxes[b + 3] : y2;
    if (!(bottom > top)) continue;
    const left = boxes[b] > x1 ? boxes[b] : x1;
    const right = boxes[b + 2] < x2 ? boxes[b + 2] : x2;
    if (!(right > left) || (include !== undefined && include[i] === 0)) continue;
    const inter = f32(f32(right - left) * f32(bottom - top));
    const boxArea = f32(f32(boxes[b + 2] - boxes[b]) * f32(boxes[b + 3] - boxes[b + 1]));
    const union = f32(f32(area + boxArea) - inter);
    indices[count] = i;
    ious[count++] = f32(inter / (union > floor ? union : floor));
  }
  return count;
}
