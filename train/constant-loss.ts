import { sum } from '../core/statistics.js';
import type { SoftTargetOptions } from '../engine/ops/losses.js';

/** Halvings of an interval until it has the precision of float32. */
const BISECTIONS = 40;

/**
 * Computes the loss of the best constant answer: the lowest `Σ_k w_k f_k (1 − p_k)^γ (−log p_k)` of any probabilities p, for
 * frequencies f of the classes. Without class weights and focal loss it is the entropy of f.
 *
 * @param counts of the classes, not all 0
 * @returns nats; 0 without targets
 */
export function constantLoss(
  counts: ArrayLike<number>,
  { classWeights, focalGamma = 0 }: SoftTargetOptions = {},
): number {
  const total = sum(counts);
  if (total === 0) return 0;
  const fractions = Array.from(counts, (count, k) => ((classWeights?.[k] ?? 1) * count) / total);
  const weight = sum(fractions);
  if (weight === 0) return 0;
  const answer =
    focalGamma === 0
      ? fractions.map((fraction) => fraction / weight)
      : focalPrediction(fractions, focalGamma, weight);
  return sum(
    fractions.map((fraction, k) => {
      const p = answer[k];
      return fraction > 0 ? -fraction * (1 - p) ** focalGamma * Math.log(Math.max(p, 1e-12)) : 0;
    }),
  );
}

/**
 * The best constant probabilities of a focal loss. Where the loss is lowest, the derivatives of all terms, which rise with the
 * probability, are equal: that value is found where the probabilities add up to 1.
 */
function focalPrediction(
  fractions: readonly number[],
  gamma: number,
  weight: number,
): readonly number[] {
  const slope = (p: number): number =>
    gamma * (1 - p) ** (gamma - 1) * Math.log(p) - (1 - p) ** gamma / p;
  const at = (derivative: number): readonly number[] =>
    fractions.map((fraction) =>
      fraction === 0 ? 0 : bisect(0, 1, (p) => fraction * slope(p) < derivative),
    );
  // The logarithm of the derivative's magnitude: from nearly flat to that of a probability of 1e-9.
  const best = bisect(
    Math.log(1e-9 * weight),
    Math.log(1e9 * weight),
    (log) => sum(at(-Math.exp(log))) > 1,
  );
  return at(-Math.exp(best));
}

/** Finds the value up to which a condition holds. */
function bisect(from: number, to: number, holds: (value: number) => boolean): number {
  let [low, high] = [from, to];
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
