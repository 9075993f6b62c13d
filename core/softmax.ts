/** The largest of the logits from `from` on. @param logits no NaN */
export function highestLogit(logits: ArrayLike<number>, from: number, count: number): number {
  let highest = -Infinity;
  for (let k = 0; k < count; k++) if (logits[from + k] > highest) highest = logits[from + k];
  return highest;
}

/**
 * The numerators of a softmax in float64: `exp(logit − highest)`.
 *
 * @param logits as many as `terms` are used, from `from` on
 * @param terms filled; may be `logits` itself
 * @returns their sum, the denominator
 */
export function softmaxTerms(logits: ArrayLike<number>, from: number, terms: Float64Array): number {
  const highest = highestLogit(logits, from, terms.length);
  let total = 0;
  for (let k = 0; k < terms.length; k++) total += terms[k] = Math.exp(logits[from + k] - highest);
  return total;
}

/**
 * Softmax in float64.
 *
 * @param logits `[K]`
 * @returns `[K]`
 */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const terms = new Float64Array(logits.length);
  const total = softmaxTerms(logits, 0, terms);
  return terms.map((term) => term / total);
}
