import { BACKGROUND } from './matcher.js';
import type { Random } from './random.js';
import * as t from './schema.js';

/** Number of boxes of an image that enter the loss. */
export const SamplerConfig = t.record({
  /** Number of positives and negatives together; `Infinity` takes all. */
  numSamples: t.whole(1),
  /** Largest fraction of positives (rounded down); negatives fill the rest. */
  positiveFraction: t.FRACTION,
});
export type SamplerConfig = t.Infer<typeof SamplerConfig>;

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

/** Sampled boxes as ascending indices. */
export interface Samples {
  /** `int32 [P]` */
  readonly positives: Int32Array;
  /** `int32 [N]` */
  readonly negatives: Int32Array;
}

/**
 * Draws positives and negatives uniformly without replacement. The indices are ascending, as in the original.
 *
 * @param assigned `int32 [M]` of the matcher: −1 ignored, 0 background, else positive
 * @param random advanced once per box drawn, if there are more candidates than needed; `'inOrder'` takes the lowest
 *   indices instead, for comparisons that must not depend on random numbers
 * @see https://github.com/open-mmlab/mmdetection/blob/v2.11.0/mmdet/core/bbox/samplers/random_sampler.py
 */
export function sampleBoxes(
  assigned: Int32Array,
  { numSamples, positiveFraction }: SamplerConfig,
  random: Random | 'inOrder',
): Samples {
  const choose = (candidates: Int32Array, count: number): Int32Array =>
    random === 'inOrder' ? candidates.slice(0, count) : drawSubset(candidates, count, random);
  const positives = choose(
    indicesOf(assigned, 'positive'),
    Math.floor(numSamples * positiveFraction),
  );
  const negatives = choose(indicesOf(assigned, 'negative'), numSamples - positives.length);
  return { positives, negatives };
}

/**
 * Draws a uniform subset with one random number per element drawn, whatever the number of candidates.
 *
 * @see R. Floyd in J. Bentley, Programming Pearls: A Sample of Brilliance, https://doi.org/10.1145/30401.315746
 */
function drawSubset(candidates: Int32Array, count: number, random: Random): Int32Array {
  const n = candidates.length;
  if (n <= count) return candidates;
  const drawn = new Uint8Array(n);
  for (let last = n - count; last < n; last++) {
    const at = random.integer(last + 1);
    drawn[drawn[at] === 1 ? last : at] = 1;
  }
  const chosen = new Int32Array(count);
  for (let i = 0, at = 0; at < count; i++) if (drawn[i] === 1) chosen[at++] = candidates[i];
  return chosen;
}

function indicesOf(assigned: Int32Array, kind: 'positive' | 'negative'): Int32Array {
  const indices = new Int32Array(assigned.length);
  let count = 0;
  for (let i = 0; i < assigned.length; i++) {
    const fits = kind === 'positive' ? assigned[i] > BACKGROUND : assigned[i] === BACKGROUND;
    if (fits) indices[count++] = i;
  }
  return indices.slice(0, count);
}
