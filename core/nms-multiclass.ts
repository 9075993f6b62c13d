import { gatherBoxes, type Boxes } from './boxes.js';
import { ShapeError } from './errors.js';
import { groupedSoftNms, SoftNmsDecay } from './nms-soft.js';
import { groupedNms } from './nms.js';
import * as t from './schema.js';

/** Suppression of overlapping detections of a class. */
const Suppression = t.byKind(
  t.record({ kind: t.literal('hard'), iouThreshold: t.FRACTION }),
  t.record({ kind: t.literal('soft'), decay: SoftNmsDecay, minScore: t.FRACTION }),
);
type Suppression = t.Infer<typeof Suppression>;

/** Options for turning class scores and boxes into detections. */
export const MulticlassNmsOptions = t.record({
  /** K, without background. */
  numClasses: t.whole(1),
  /** A class score must be greater than this. */
  scoreThreshold: t.FRACTION,
  suppression: Suppression,
  maxPerImage: t.whole(1),
});
export type MulticlassNmsOptions = t.Infer<typeof MulticlassNmsOptions>;

/** The test setting of Mask R-CNN. */
export const DETECTION_NMS = {
  numClasses: 80,
  scoreThreshold: 0.05,
  suppression: { kind: 'hard', iouThreshold: 0.5 },
  maxPerImage: 100,
} as const satisfies MulticlassNmsOptions;

/** The test setting of ConvNeXt V2 on COCO: linear soft-NMS. */
export const SOFT_DETECTION_NMS = {
  ...DETECTION_NMS,
  suppression: { kind: 'soft', decay: { kind: 'linear', iouThreshold: 0.5 }, minScore: 1e-3 },
} as const satisfies MulticlassNmsOptions;

/** Detections of one image, highest score first. */
interface Detections {
  /** `[D, 4]` */
  readonly boxes: Boxes;
  /** `[D]` */
  readonly scores: Float32Array;
  /** `int32 [D]`, 0 … K − 1 */
  readonly classIndices: Int32Array;
  /** `int32 [D]`: input row of every detection. */
  readonly rows: Int32Array;
}

/**
 * Keeps every (box, class) whose score exceeds the threshold (a box may appear for several classes), suppresses within
 * each class, and returns the best. Equal scores: by row, then class.
 *
 * @param boxes `[R, K·4]` (class-specific, class-major) or `[R, 4]`, coordinates ≥ 0
 * @param scores `[R, K + 1]`, background last (ignored)
 * @throws ShapeError unless the lengths fit
 * @see https://github.com/open-mmlab/mmdetection/blob/v2.11.0/mmdet/core/post_processing/bbox_nms.py
 */
export function multiclassNms(
  boxes: Boxes,
  scores: Float32Array,
  { numClasses: K, scoreThreshold, suppression, maxPerImage }: MulticlassNmsOptions,
): Detections {
  const R = scores.length / (K + 1);
  const perRow = R === 0 ? 4 : boxes.length / R;
  if (!Number.isInteger(R) || (perRow !== 4 && perRow !== 4 * K) || boxes.length !== R * perRow)
    throw new ShapeError(
      `multiclassNms: expected scores [R, ${K + 1}] and boxes [R, 4] or [R, ${4 * K}], got ${scores.length} and ${boxes.length} numbers`,
    );
  const threshold = Math.fround(scoreThreshold);
  let numCandidates = 0;
  for (let r = 0; r < R; r++) {
    for (let k = 0; k < K; k++) if (scores[r * (K + 1) + k] > threshold) numCandidates++;
  }
  const rows = new Int32Array(numCandidates);
  const classes = new Int32Array(numCandidates);
  const candidateScores = new Float32Array(numCandidates);
  const candidates = new Float32Array(4 * numCandidates);
  for (let r = 0, at = 0; r < R; r++) {
    for (let k = 0; k < K; k++) {
      const score = scores[r * (K + 1) + k];
      if (!(score > threshold)) continue;
      const b = r * perRow + (perRow === 4 ? 0 : 4 * k);
      for (let side = 0; side < 4; side++) candidates[4 * at + side] = boxes[b + side];
      rows[at] = r;
      classes[at] = k;
      candidateScores[at++] = score;
    }
  }
  const kept = suppressWithinClasses(
    candidates,
    candidateScores,
    classes,
    suppression,
    maxPerImage,
  );
  return {
    boxes: gatherBoxes(candidates, kept.indices),
    scores: kept.scores,
    classIndices: kept.indices.map((i) => classes[i]),
    rows: kept.indices.map((i) => rows[i]),
  };
}

function suppressWithinClasses(
  boxes: Boxes,
  scores: Float32Array,
  classes: Int32Array,
  suppression: Suppression,
  maxKept: number,
): { readonly indices: Int32Array; readonly scores: Float32Array } {
  switch (suppression.kind) {
    case 'hard': {
      const { iouThreshold } = suppression;
      const indices = groupedNms(boxes, scores, classes, { iouThreshold, maxKept });
      return { indices, scores: Float32Array.from(indices, (i) => scores[i]) };
    }
    case 'soft': {
      const { decay, minScore } = suppression;
      return groupedSoftNms(boxes, scores, classes, { decay, minScore, maxKept });
    }
    default:
      return suppression satisfies never;
  }
}
