import { encodeBoxes } from './box-coder.js';
import { numBoxes, type Boxes } from './boxes.js';
import { ShapeError } from './errors.js';
import { outsideRegions, type IgnoredRegions } from './ignored-regions.js';
import type { RpnTargetConfig } from './matcher-rpn.js';
import { matchBoxes } from './matcher.js';
import type { Random } from './random.js';
import { sampleBoxes, type Samples } from './sampler.js';

/** Configuration of the box head's targets: matching, sampling and encoding. */
interface RoiTargetConfig extends RpnTargetConfig {
  /** K; also the index of the background class. */
  readonly numClasses: number;
}

/** Ground truth of one image. */
interface GroundTruths {
  /** `[G, 4]`, without crowd regions. */
  readonly boxes: Boxes;
  /** `int32 [G]`, 0 … K − 1. */
  readonly classIndices: Int32Array;
  /** Proposals in them are neither positive nor negative. */
  readonly ignored?: IgnoredRegions | undefined;
}

/** The sampled boxes of one image with their targets: positives first, then negatives, both by ascending index. */
export interface RoiTargets {
  /** `[R, 4]` */
  readonly boxes: Boxes;
  /** P: the first P boxes are positives. */
  readonly numPositives: number;
  /** `int32 [R]`: the class, K (background) for negatives. */
  readonly classIndices: Int32Array;
  /** `int32 [P]`: index of the ground truth of every positive. */
  readonly groundTruthIndices: Int32Array;
  /** `[P, 4]`: ground-truth box of every positive, not encoded. */
  readonly groundTruthBoxes: Boxes;
  /** `[P, 4]`: regression targets of the positives. */
  readonly deltas: Float32Array;
  /** `uint8 [R]`: 1 where the box is itself a ground truth; Cascade R-CNN drops these between stages. */
  readonly isGroundTruth: Uint8Array;
}

/**
 * Matches proposals to ground truths, prepends the ground truths to the proposals (each matched to itself), samples
 * and encodes. Only the proposals take part in the matching.
 *
 * @param proposals `[M, 4]`
 * @param random source of the random samples; `'inOrder'` takes the lowest indices
 * @throws ShapeError unless the lengths fit; DataError for a ground truth or positive without area
 */
export function roiTargets(
  proposals: Boxes,
  groundTruths: GroundTruths,
  config: RoiTargetConfig,
  random: Random | 'inOrder',
): RoiTargets {
  const G = numBoxes('roiTargets', groundTruths.boxes);
  const M = numBoxes('roiTargets', proposals);
  if (groundTruths.classIndices.length !== G)
    throw new ShapeError(
      `roiTargets: expected ${G} classes, got ${groundTruths.classIndices.length}`,
    );
  const candidates = new Float32Array(4 * (G + M));
  candidates.set(groundTruths.boxes);
  candidates.set(proposals, 4 * G);
  const assigned = new Int32Array(G + M);
  const include = outsideRegions(proposals, groundTruths.ignored);
  for (let g = 0; g < G; g++) assigned[g] = g + 1;
  assigned.set(matchBoxes(proposals, groundTruths.boxes, config.matcher, include).assigned, G);
  const samples = sampleBoxes(assigned, config.sampler, random);
  return gatherTargets(candidates, assigned, samples, groundTruths, config);
}

function gatherTargets(
  candidates: Boxes,
  assigned: Int32Array,
  { positives, negatives }: Samples,
  { boxes: gtBoxes, classIndices: gtClasses }: GroundTruths,
  { coder, numClasses }: RoiTargetConfig,
): RoiTargets {
  const P = positives.length;
  const R = P + negatives.length;
  const boxes = new Float32Array(4 * R);
  const classIndices = new Int32Array(R).fill(numClasses);
  const isGroundTruth = new Uint8Array(R);
  const groundTruthIndices = new Int32Array(P);
  const groundTruthBoxes = new Float32Array(4 * P);
  for (let r = 0; r < R; r++) {
    const index = r < P ? positives[r] : negatives[r - P];
    boxes.set(candidates.subarray(4 * index, 4 * index + 4), 4 * r);
    isGroundTruth[r] = index < gtClasses.length ? 1 : 0;
    if (r >= P) continue;
    const g = assigned[index] - 1;
    classIndices[r] = gtClasses[g];
    groundTruthIndices[r] = g;
    groundTruthBoxes.set(gtBoxes.subarray(4 * g, 4 * g + 4), 4 * r);
  }
  const deltas = encodeBoxes(boxes.subarray(0, 4 * P), groundTruthBoxes, coder);
  return {
    boxes,
    numPositives: P,
    classIndices,
    groundTruthIndices,
    groundTruthBoxes,
    deltas,
    isGroundTruth,
  };
}
