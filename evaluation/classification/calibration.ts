const NUM_BINS = 15;

/** How well the probabilities tell the truth. */
export interface Calibration {
  /** Mean over the samples of |accuracy − confidence| of their bin. */
  readonly ece: number;
  /** The largest |accuracy − confidence| of a bin. */
  readonly mce: number;
  /** Mean negative log-likelihood, nats. */
  readonly meanNLL: number;
  /** Mean squared distance of the probabilities from the label's unit vector. */
  readonly brier: number;
  /** 15 bins `(b/15, (b + 1)/15]` of the highest probability. */
  readonly bins: readonly CalibrationBin[];
}

export interface CalibrationBin {
  readonly count: number;
  /** Mean highest probability; NaN in an empty bin. */
  readonly confidence: number;
  /** NaN in an empty bin. */
  readonly accuracy: number;
}

/** Sums what calibration is computed from. Its numbers may be added to those of another one. */
export class CalibrationSums {
  /** `[15, 3]` count, confidence and correct ones of each bin, then samples, NLL and Brier score. */
  readonly sums = new Float64Array(3 * NUM_BINS + 3);

  /**
   * @param logits `[K]`, no NaN
   * @param isCorrect whether the first class is the label
   */
  add(logits: ArrayLike<number>, label: number, isCorrect: boolean): void {
    let highest = -Infinity;
    for (let k = 0; k < logits.length; k++) highest = Math.max(highest, logits[k]);
    let total = 0;
    for (let k = 0; k < logits.length; k++) total += Math.exp(logits[k] - highest);
    let brier = 0;
    for (let k = 0; k < logits.length; k++) {
      const probability = Math.exp(logits[k] - highest) / total;
      brier += (probability - (k === label ? 1 : 0)) ** 2;
    }
    const confidence = 1 / total;
    const bin = binOf(confidence);
    const { sums } = this;
    sums[3 * bin]++;
    sums[3 * bin + 1] += confidence;
    sums[3 * bin + 2] += isCorrect ? 1 : 0;
    sums[3 * NUM_BINS]++;
    sums[3 * NUM_BINS + 1] += Math.log(total) - (logits[label] - highest);
    sums[3 * NUM_BINS + 2] += brier;
  }

  /** The calibration so far; NaN where there are no samples. */
  finish(): Calibration {
    const { sums } = this;
    const [numSamples, nll, brier] = sums.subarray(3 * NUM_BINS);
    const bins = Array.from({ length: NUM_BINS }, (_, b): CalibrationBin => {
      const [count, confidence, correct] = sums.subarray(3 * b, 3 * b + 3);
      return { count, confidence: confidence / count, accuracy: correct / count };
    });
    const filled = bins.filter(({ count }) => count > 0);
    const gaps = filled.map(({ confidence, accuracy }) => Math.abs(accuracy - confidence));
    return {
      ece:
        numSamples > 0
          ? filled.reduce((sum, { count }, i) => sum + (count / numSamples) * gaps[i], 0)
          : NaN,
      mce: numSamples > 0 ? Math.max(...gaps) : NaN,
      meanNLL: nll / numSamples,
      brier: brier / numSamples,
      bins,
    };
  }
}

function binOf(confidence: number): number {
  for (let b = 0; b < NUM_BINS - 1; b++) if (confidence <= (b + 1) / NUM_BINS) return b;
  return NUM_BINS - 1;
}
