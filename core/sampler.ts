import { BACKGROUND } from './matcher.js';
import { highestKeys } from './nms-top-k.js';
import type { Random } from './random.js';

/** How many boxes of an image enter the loss. */
export interface SamplerConfig {
  /** Positives and negatives together; `Infinity` takes all. */
  readonly numSamples: number;
  /** At most this share (rounded down) are positives; negatives fill up what positives leave. */
  readonly positiveFraction: number;
}

/** The sampler of the RPN. */
export const RPN_SAMPLER = {
  numSamples: 256,
  positiveFraction: 0.5,
} as const satisfies SamplerConfig;

/** The sampler of the box head. */
export const ROI_SAMPLER = {
  numSamples: 512,
  positiveFraction: 0.25,
} as const satisfies SamplerConfig;

/** Chosen boxes, as ascending indices. */
export interface Samples {
  /** `int32 [P]` */
  readonly positives: Int32Array;
  /** `int32 [N]` */
  readonly negatives: Int32Array;
}

/**
 * Draws positives and negatives uniformly without replacement: every candidate gets a random key where there are more than
 * needed, and the highest keys win. The chosen indices are ascending, as in the original.
 *
 * @param assigned `int32 [M]` of the matcher: −1 ignored, 0 background, else positive
 * @param random advanced by one number per candidate of a kind that has too many
 * @see https://github.com/open-mmlab/mmdetection/blob/v2.11.0/mmdet/core/bbox/samplers/random_sampler.py
 */
export function sampleRandom(assigned: Int32Array, config: SamplerConfig, random: Random): Samples {
  return sample(assigned, config, (candidates, count) => {
    if (candidates.length <= count) return candidates;
    const keys = new Uint32Array(candidates.length);
    for (let i = 0; i < keys.length; i++) keys[i] = random.uint32();
    const chosen = highestKeys(keys, count);
    for (let i = 0; i < chosen.length; i++) chosen[i] = candidates[chosen[i]];
    return chosen;
  });
}

/**
 * Takes the lowest indices instead of random ones: for comparisons that must not depend on random numbers.
 *
 * @param assigned `int32 [M]` of the matcher: −1 ignored, 0 background, else positive
 */
export function sampleInOrder(assigned: Int32Array, config: SamplerConfig): Samples {
  return sample(assigned, config, (candidates, count) =>
    candidates.slice(0, Math.min(count, candidates.length)),
  );
}

function sample(
  assigned: Int32Array,
  { numSamples, positiveFraction }: SamplerConfig,
  choose: (candidates: Int32Array, count: number) => Int32Array,
): Samples {
  const isPositive = (value: number): boolean => value > BACKGROUND;
  const isNegative = (value: number): boolean => value === BACKGROUND;
  const positives = choose(
    indicesWhere(assigned, isPositive),
    Math.floor(numSamples * positiveFraction),
  );
  const negatives = choose(indicesWhere(assigned, isNegative), numSamples - positives.length);
  return { positives, negatives };
}

function indicesWhere(values: Int32Array, accepts: (value: number) => boolean): Int32Array {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (accepts(values[i])) count++;
  const indices = new Int32Array(count);
  for (let i = 0, at = 0; at < count; i++) if (accepts(values[i])) indices[at++] = i;
  return indices;
}
