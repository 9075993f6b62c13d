import { softmaxTerms } from '../../core/softmax.js';

/**
 * Softmax of every row of the mean of several heads' logits: Cascade R-CNN averages before the softmax.
 *
 * @param logits of every head, `[R, C]`
 * @returns `[R, C]`
 */
export function classScores(logits: readonly Float32Array[], numColumns: number): Float32Array {
  const scores = new Float32Array(logits[0].length);
  const row = new Float64Array(numColumns);
  for (let at = 0; at < scores.length; at += numColumns) {
    for (let c = 0; c < numColumns; c++) {
      let sum = 0;
      for (const head of logits) sum += head[at + c];
      row[c] = sum / logits.length;
    }
    const total = softmaxTerms(row, 0, row);
    for (let c = 0; c < numColumns; c++) scores[at + c] = row[c] / total;
  }
  return scores;
}

/**
 * The foreground class of highest logit of every row; of equal ones the first.
 *
 * @param logits `[R, K + 1]`, background last
 * @returns `int32 [R]`, 0 … K − 1
 */
export function foregroundClasses(logits: Float32Array, numClasses: number): Int32Array {
  const classes = new Int32Array(logits.length / (numClasses + 1));
  for (let r = 0; r < classes.length; r++) {
    const at = r * (numClasses + 1);
    for (let k = 1; k < numClasses; k++)
      if (logits[at + k] > logits[at + classes[r]]) classes[r] = k;
  }
  return classes;
}
