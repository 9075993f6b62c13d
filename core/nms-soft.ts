import { numBoxes, type Boxes } from './boxes.js';
import { ConfigError, quote, ShapeError } from './errors.js';
import { shiftByGroup, splitByGroup } from './nms-groups.js';
import { topK } from './nms-top-k.js';
import * as t from './schema.js';

/** Decay of the score of a box whose IoU with a box of higher score is `o`. */
export const SoftNmsDecay = t.byKind(
  /** Multiplies by `1 - o` if `o` is at least the threshold. */
  t.record({ kind: t.literal('linear'), iouThreshold: t.FRACTION }),
  /** Always multiplies by `exp(-o² / sigma)`. */
  t.record({ kind: t.literal('gaussian'), sigma: t.POSITIVE }),
);
export type SoftNmsDecay = t.Infer<typeof SoftNmsDecay>;

/** Soft non-maximum suppression. */
interface SoftNmsOptions {
  readonly decay: SoftNmsDecay;
  /** Boxes are dropped as soon as their score is below this. */
  readonly minScore: number;
  /** Stop after this many boxes; all if left out. */
  readonly maxKept?: number | undefined;
}

/** Boxes that soft-NMS keeps. */
interface SoftNmsResult {
  /** `int32 [R]`, highest final score first. */
  readonly indices: Int32Array;
  /** `[R]`, final scores. */
  readonly scores: Float32Array;
}

/**
 * Soft non-maximum suppression within groups: takes the box of highest remaining score (ties by index), decays the
 * scores of the group's other boxes by their overlap with it, drops those below `minScore`, and repeats until none is
 * left. Float32 in the original's order; groups are separated as in the original, see `shiftByGroup`.
 *
 * @param boxes `[M, 4]`, coordinates ≥ 0
 * @param scores `[M]`
 * @param groups `int32 [M]`, ≥ 0: classes
 * @throws ShapeError unless the lengths fit; ConfigError for a threshold outside 0–1 or sigma ≤ 0
 * @see https://arxiv.org/abs/1704.04503
 * @see https://github.com/open-mmlab/mmcv/blob/v1.3.0/mmcv/ops/csrc/pytorch/nms.cpp
 */
export function groupedSoftNms(
  boxes: Boxes,
  scores: Float32Array,
  groups: Int32Array,
  options: SoftNmsOptions,
): SoftNmsResult {
  const M = numBoxes('groupedSoftNms', boxes);
  if (scores.length !== M)
    throw new ShapeError(`groupedSoftNms: expected ${M} scores, got ${scores.length}`);
  checkDecay(options.decay);
  const shifted = shiftByGroup(boxes, groups);
  const all = Int32Array.from({ length: M }, (_, i) => i);
  const results = splitByGroup(all, groups).map((members) =>
    decayGroup(shifted, scores, members, options),
  );
  return mergeResults(results, options.maxKept);
}

function checkDecay(decay: SoftNmsDecay): void {
  const valid =
    decay.kind === 'linear' ? decay.iouThreshold >= 0 && decay.iouThreshold <= 1 : decay.sigma > 0;
  if (!valid)
    throw new ConfigError(
      `groupedSoftNms: expected an iouThreshold of 0 to 1 or sigma > 0, got ${quote(decay)}`,
    );
}

/** Processes one group; `members` is ascending. The arrays are compacted as boxes are taken or dropped. */
function decayGroup(
  boxes: Boxes,
  scores: Float32Array,
  members: Int32Array,
  { decay, minScore, maxKept = Infinity }: SoftNmsOptions,
): SoftNmsResult {
  const left = members.slice();
  const current = new Float32Array(left.length);
  const lowest = Math.fround(minScore);
  let numLeft = 0;
  for (const member of members) {
    if (scores[member] < lowest) continue;
    current[numLeft] = scores[member];
    left[numLeft++] = member;
  }
  const indices = new Int32Array(Math.min(numLeft, maxKept));
  const final = new Float32Array(indices.length);
  let numTaken = 0;
  while (numLeft > 0 && numTaken < indices.length) {
    let best = 0;
    for (let i = 1; i < numLeft; i++) if (current[i] > current[best]) best = i;
    const taken = left[best];
    indices[numTaken] = taken;
    final[numTaken++] = current[best];
    // Compaction keeps the members ascending, and thereby the order of equal scores.
    let kept = 0;
    for (let i = 0; i < numLeft; i++) {
      if (i === best) continue;
      const score = current[i] * weightOf(overlap(boxes, 4 * taken, 4 * left[i]), decay);
      current[kept] = score;
      left[kept] = left[i];
      if (!(current[kept] < lowest)) kept++;
    }
    numLeft = kept;
  }
  return { indices: indices.slice(0, numTaken), scores: final.slice(0, numTaken) };
}

function overlap(boxes: Boxes, a: number, b: number): number {
  const f32 = Math.fround;
  const w = f32(Math.min(boxes[a + 2], boxes[b + 2]) - Math.max(boxes[a], boxes[b]));
  const h = f32(Math.min(boxes[a + 3], boxes[b + 3]) - Math.max(boxes[a + 1], boxes[b + 1]));
  if (!(w > 0 && h > 0)) return 0;
  const inter = f32(w * h);
  const areaA = f32(f32(boxes[a + 2] - boxes[a]) * f32(boxes[a + 3] - boxes[a + 1]));
  const areaB = f32(f32(boxes[b + 2] - boxes[b]) * f32(boxes[b + 3] - boxes[b + 1]));
  return f32(inter / f32(f32(areaA + areaB) - inter));
}

function weightOf(iou: number, decay: SoftNmsDecay): number {
  const f32 = Math.fround;
  switch (decay.kind) {
    case 'linear':
      return iou >= f32(decay.iouThreshold) ? f32(1 - iou) : 1;
    case 'gaussian':
      return f32(Math.exp(f32(-f32(iou * iou) / f32(decay.sigma))));
    default:
      return decay satisfies never;
  }
}

/** Merges the groups by final score, ties by index, as a single run over all groups would order them. */
function mergeResults(results: readonly SoftNmsResult[], maxKept = Infinity): SoftNmsResult {
  const total = results.reduce((sum, { indices }) => sum + indices.length, 0);
  const pairs: { readonly index: number; readonly score: number }[] = [];
  for (const { indices, scores } of results)
    indices.forEach((index, i) => pairs.push({ index, score: scores[i] }));
  pairs.sort((a, b) => a.index - b.index);
  const order = topK(
    Float32Array.from(pairs, ({ score }) => score),
    Math.min(total, maxKept),
  );
  return {
    indices: Int32Array.from(order, (at) => pairs[at].index),
    scores: Float32Array.from(order, (at) => pairs[at].score),
  };
}
