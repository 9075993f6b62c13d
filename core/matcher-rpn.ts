import { encodeBoxes, type BoxCoderConfig } from './box-coder.js';
import type { Boxes } from './boxes.js';
import { matchBoxes, type MatcherConfig } from './matcher.js';
import type { Random } from './random.js';
import { sampleInOrder, sampleRandom, type SamplerConfig } from './sampler.js';

/** Configuration of RPN targets: matching, sampling and encoding. */
interface RpnTargetConfig {
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
  const { positives, negatives } =
    random === 'inOrder'
      ? sampleInOrder(assigned, config.sampler)
      : sampleRandom(assigned, config.sampler, random);
  const references = new Float32Array(4 * positives.length);
  const targets = new Float32Array(4 * positives.length);
  positives.forEach((anchor, row) => {
    const g = 4 * (assigned[anchor] - 1);
    references.set(anchors.subarray(4 * anchor, 4 * anchor + 4), 4 * row);
    targets.set(groundTruths.subarray(g, g + 4), 4 * row);
  });
  return {
    positives,
    negatives,
    deltas: encodeBoxes(references, targets, config.coder),
    numSampled: Math.max(positives.length, 1) + Math.max(negatives.length, 1),
  };
}
