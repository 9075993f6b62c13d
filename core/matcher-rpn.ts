import { encodeBoxes, type BoxCoderConfig } from './box-coder.js';
import { gatherBoxes, type Boxes } from './boxes.js';
import { matchBoxes, type MatcherConfig } from './matcher.js';
import type { Random } from './random.js';
import { sampleBoxes, type SamplerConfig } from './sampler.js';

/** Configuration of RPN targets: matching, sampling and encoding. */
export interface RpnTargetConfig {
  readonly matcher: MatcherConfig;
  readonly sampler: SamplerConfig;
  readonly coder: BoxCoderConfig;
}

/** RPN targets of one image. */
export interface RpnTargets {
  /** `int32 [P]`: anchors with objectness target 1, ascending. */
  readonly positives: Int32Array;
  /** `int32 [N]`: anchors with objectness target 0, ascending. */
  readonly negatives: Int32Array;
  /** `[P, 4]`: regression targets of the positives. */
  readonly deltas: Float32Array;
  /** Contribution of this image to the loss normalizer: max(P, 1) + max(N, 1). */
  readonly numSampled: number;
}

/**
 * Matches anchors to ground truths, samples, and encodes the targets of the positives. Needs only anchors and ground
 * truths, so the data loader's workers compute it.
 *
 * @param anchors `[M, 4]`
 * @param include `uint8 [M]` of `usableAnchors`
 * @param groundTruths `[G, 4]`, without crowd regions
 * @param random source of the random samples; `'inOrder'` takes the lowest indices
 * @throws ShapeError unless the lengths fit; DataError for a ground truth without area that was matched
 */
export function rpnTargets(
  anchors: Boxes,
  include: Uint8Array,
  groundTruths: Boxes,
  config: RpnTargetConfig,
  random: Random | 'inOrder',
): RpnTargets {
  const { assigned } = matchBoxes(anchors, groundTruths, config.matcher, include);
  const { positives, negatives } = sampleBoxes(assigned, config.sampler, random);
  const references = gatherBoxes(anchors, positives);
  const targets = gatherBoxes(
    groundTruths,
    positives.map((anchor) => assigned[anchor] - 1),
  );
  return {
    positives,
    negatives,
    deltas: encodeBoxes(references, targets, config.coder),
    numSampled: Math.max(positives.length, 1) + Math.max(negatives.length, 1),
  };
}
