import { decodeBoxes, RPN_CODER, BoxCoderConfig } from './box-coder.js';
import { gatherBoxes, type Boxes, type Size } from './boxes.js';
import { ConfigError, NotFiniteError, ShapeError } from './errors.js';
import { groupedNms } from './nms.js';
import { topK } from './nms-top-k.js';
import * as t from './schema.js';

/** Selection of proposals from the RPN's output. */
export const ProposalConfig = t.record({
  /** Number of anchors per level that are decoded, those of highest score. */
  numBeforeNms: t.whole(1),
  iouThreshold: t.FRACTION,
  /** Number of proposals of an image over all levels. */
  maxPerImage: t.whole(1),
  /** Exclusive lower bound of width and height after clipping; −1 keeps every box (mmdet 2.x), 0 drops empty ones (3.x). */
  minSizePx: t.number({ from: -1 }),
  coder: BoxCoderConfig,
});
export type ProposalConfig = t.Infer<typeof ProposalConfig>;

/** Mask R-CNN in training. */
export const TRAIN_PROPOSALS = {
  numBeforeNms: 2000,
  iouThreshold: 0.7,
  maxPerImage: 1000,
  minSizePx: -1,
  coder: RPN_CODER,
} as const satisfies ProposalConfig;

/** Mask R-CNN and Cascade R-CNN at test time. */
export const TEST_PROPOSALS = {
  ...TRAIN_PROPOSALS,
  numBeforeNms: 1000,
} as const satisfies ProposalConfig;

/** Cascade R-CNN in training. */
export const CASCADE_TRAIN_PROPOSALS = {
  ...TRAIN_PROPOSALS,
  maxPerImage: 2000,
} as const satisfies ProposalConfig;

/** The RPN's output on one level of one image: n anchors in the order of `pyramidAnchors`. */
export interface LevelPredictions {
  /** `[n]`, objectness after the sigmoid. */
  readonly scores: Float32Array;
  /** `[n, 4]` */
  readonly deltas: Float32Array;
}

/** Proposals of one image, highest score first. */
export interface Proposals {
  /** `[R, 4]`, clipped to the image. */
  readonly boxes: Boxes;
  /** `[R]` */
  readonly scores: Float32Array;
  /** `int32 [R]`: pyramid level of the anchor. */
  readonly levels: Int32Array;
}

/**
 * Takes the anchors of highest score of every level, decodes and clips them, suppresses within each level, and keeps
 * the best of all levels. Equal scores: by level, then anchor.
 *
 * @param levels the RPN's output, finest level first
 * @param anchors `[Σ n, 4]`, all levels one after the other
 * @param image the un-padded image
 * @throws ShapeError unless the lengths fit; WorkError for a score or delta that is not finite
 */
export function selectProposals(
  levels: readonly LevelPredictions[],
  anchors: Boxes,
  image: Size,
  config: ProposalConfig,
): Proposals {
  checkArguments(levels, anchors, config);
  const chosen = levels.map(({ scores }) => topK(scores, config.numBeforeNms));
  const total = chosen.reduce((sum, { length }) => sum + length, 0);
  const references = new Float32Array(4 * total);
  const deltas = new Float32Array(4 * total);
  const scores = new Float32Array(total);
  const levelOf = new Int32Array(total);
  let at = 0;
  let firstAnchor = 0;
  levels.forEach((level, l) => {
    for (let i = 0; i < chosen[l].length; i++, at++) {
      const index = chosen[l][i];
      for (let k = 0; k < 4; k++) {
        references[4 * at + k] = anchors[4 * (firstAnchor + index) + k];
        deltas[4 * at + k] = level.deltas[4 * index + k];
      }
      scores[at] = level.scores[index];
      levelOf[at] = l;
      assertFinite(scores[at], deltas, at, l, index);
    }
    firstAnchor += level.scores.length;
  });
  const boxes = decodeBoxes(references, deltas, { ...config.coder, clip: image }, deltas);
  const candidates = dropSmall({ boxes, scores, levels: levelOf }, config.minSizePx);
  const kept = groupedNms(candidates.boxes, candidates.scores, candidates.levels, {
    iouThreshold: config.iouThreshold,
    maxKept: config.maxPerImage,
  });
  return gather(candidates, kept);
}

function checkArguments(
  levels: readonly LevelPredictions[],
  anchors: Boxes,
  { numBeforeNms, maxPerImage }: ProposalConfig,
): void {
  if (!(numBeforeNms > 0 && maxPerImage > 0))
    throw new ConfigError(
      `selectProposals: expected numBeforeNms and maxPerImage > 0, got ${numBeforeNms} and ${maxPerImage}`,
    );
  levels.forEach(({ scores, deltas }, l) => {
    if (deltas.length !== 4 * scores.length)
      throw new ShapeError(
        `selectProposals: expected deltas [${scores.length}, 4] on level ${l}, got ${deltas.length} numbers`,
      );
  });
  const n = levels.reduce((sum, { scores }) => sum + scores.length, 0);
  if (anchors.length !== 4 * n)
    throw new ShapeError(
      `selectProposals: expected anchors [${n}, 4] for the scores of all levels, got ${anchors.length} numbers`,
    );
}

/** Otherwise the NaN boxes of a diverged network would fail only much later. */
function assertFinite(
  score: number,
  deltas: Float32Array,
  at: number,
  level: number,
  index: number,
): void {
  let sum = score;
  for (let k = 0; k < 4; k++) sum += deltas[4 * at + k];
  if (!Number.isFinite(sum))
    throw new NotFiniteError(
      `selectProposals: expected finite scores and deltas, got score ${score}, deltas [${Array.from(deltas.subarray(4 * at, 4 * at + 4)).join(', ')}] of anchor ${index} on level ${level}`,
    );
}

function dropSmall(proposals: Proposals, minSizePx: number): Proposals {
  if (minSizePx < 0) return proposals;
  const { boxes } = proposals;
  const large = new Int32Array(proposals.scores.length);
  let count = 0;
  for (let i = 0, b = 0; i < large.length; i++, b += 4)
    if (boxes[b + 2] - boxes[b] > minSizePx && boxes[b + 3] - boxes[b + 1] > minSizePx)
      large[count++] = i;
  return gather(proposals, large.subarray(0, count));
}

function gather({ boxes, scores, levels }: Proposals, indices: Int32Array): Proposals {
  return {
    boxes: gatherBoxes(boxes, indices),
    scores: Float32Array.from(indices, (i) => scores[i]),
    levels: indices.map((i) => levels[i]),
  };
}
