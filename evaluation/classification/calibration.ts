import { highestLogit, softmaxTerms } from '../../core/softmax.js';

const NUM_BINS = 15;
const NUM_SUMS = 3 * NUM_BINS + 3;
/**
 * Steps of the two sums that represent a number. Float64 adds multiples of `2^-20` exactly up to `2^33`, and the
 * remainders, at most `2^-21`, in multiples of `2^-50` for `2^24` samples. So the result does not depend on order or on
 * division into shards.
 */
const COARSE = 2 ** 20;
const FINE = 2 ** 50;

/** Calibration of the probabilities. */
export interface Calibration {
  /** Expected calibration error: mean over the samples of |accuracy − confidence| of their bin. */
  readonly ece: number;
  /** Maximum calibration error: largest |accuracy − confidence| of a bin. */
  readonly mce: number;
  /** Mean negative log-likelihood, nats. */
  readonly meanNLL: number;
  /** Mean squared distance of the probabilities from the label's unit vector. */
  readonly brier: number;
  /** 15 bins `(b/15, (b + 1)/15]` of the highest probability. */
  readonly bins: readonly CalibrationBin[];
}

interface CalibrationBin {
  readonly count: number;
  /** Mean highest probability; NaN in an empty bin. */
  readonly confidence: number;
  /** NaN in an empty bin. */
  readonly accuracy: number;
}

/** Accumulates the sums for calibration. Sums of several instances may be added in any order with the same result. */
export class CalibrationSums {
  /**
   * `[2, 48]` coarse sums and remainders: `[15, 3]` count, confidence and number correct of each bin, then samples, NLL
   * and Brier score.
   */
  readonly sums = new Float64Array(2 * NUM_SUMS);

  get numSamples(): number {
    return this.sums[3 * NUM_BINS];
  }

  /**
   * @param logits `[K]`, no NaN
   * @param isCorrect whether the first class is the label
   */
  add(logits: ArrayLike<number>, label: number, isCorrect: boolean): void {
    const terms = new Float64Array(logits.length);
    const total = softmaxTerms(logits, 0, terms);
    const highest = highestLogit(logits, 0, logits.length);
    let brier = 0;
    for (let k = 0; k < terms.length; k++) brier += (terms[k] / total - (k === label ? 1 : 0)) ** 2;
    const confidence = 1 / total;
    const bin = binOf(confidence);
    this.sums[3 * bin]++;
    this.addTo(3 * bin + 1, confidence);
    this.sums[3 * bin + 2] += isCorrect ? 1 : 0;
    this.sums[3 * NUM_BINS]++;
    this.addTo(3 * NUM_BINS + 1, Math.log(total) - (logits[label] - highest));
    this.addTo(3 * NUM_BINS + 2, brier);
  }

  /** Computes the calibration so far; NaN without samples. */
  finish(): Calibration {
    const sums = this.sums.slice(0, NUM_SUMS).map((sum, at) => sum + this.sums[NUM_SUMS + at]);
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

  private addTo(at: number, value: number): void {
    const coarse = Math.round(value * COARSE) / COARSE;
    this.sums[at] += coarse;
    // An infinite number has no remainder.
    if (Number.isFinite(coarse))
      this.sums[NUM_SUMS + at] += Math.round((value - coarse) * FINE) / FINE;
  }
}

function binOf(confidence: number): number {
  for (let b = 0; b < NUM_BINS - 1; b++) if (confidence <= (b + 1) / NUM_BINS) return b;
  return NUM_BINS - 1;
}
