import { DataError } from '../../core/errors.js';

/**
 * Rank of the label: the number of classes with a greater logit, or with an equal one and a lower index. The label is
 * among the top k if its rank is below k.
 *
 * @param logits `[K]`, no NaN
 */
export function labelRank(logits: ArrayLike<number>, label: number): number {
  const own = logits[label];
  let rank = 0;
  for (let k = 0; k < logits.length; k++)
    if (logits[k] > own || (logits[k] === own && k < label)) rank++;
  return rank;
}

/**
 * Finds the k classes of the highest logits, ties by index.
 *
 * @param logits `[K]`, no NaN
 * @returns `[min(k, K)]`
 */
export function topClasses(logits: ArrayLike<number>, k: number): Int32Array {
  const top = new Int32Array(Math.min(k, logits.length));
  let count = 0;
  for (let c = 0; c < logits.length; c++) {
    if (count === top.length && !(logits[c] > logits[top[count - 1]])) continue;
    let at = count < top.length ? count++ : count - 1;
    while (at > 0 && logits[c] > logits[top[at - 1]]) {
      top[at] = top[at - 1];
      at--;
    }
    top[at] = c;
  }
  return top;
}

/** @throws DataError if a logit is NaN or the label is invalid */
export function assertLogits(where: string, logits: ArrayLike<number>, label: number): void {
  if (!Number.isInteger(label) || label < 0 || label >= logits.length)
    throw new DataError(`${where}: expected a label of 0 to ${logits.length - 1}, got ${label}`);
  for (let k = 0; k < logits.length; k++)
    if (Number.isNaN(logits[k]))
      throw new DataError(`${where}: expected numbers as logits, got NaN for class ${k}`);
}
