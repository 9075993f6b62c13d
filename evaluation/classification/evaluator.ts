import { assertNumber } from '../../core/arguments.js';
import { ConfigError, DataError } from '../../core/errors.js';
import type { PartialResult } from '../../core/partial-result.js';
import { partialArrays } from '../partial-result.js';
import { CalibrationSums, type Calibration } from './calibration.js';
import { assertLogits, labelRank } from './top-k.js';

/** Result of an evaluation; fractions are 0–1, NaN without samples. */
export interface ClassificationResult {
  readonly numSamples: number;
  readonly top1: number;
  readonly top5: number;
  /** Top-1 accuracy of each class that occurs. */
  readonly perClassTop1: ReadonlyMap<number, number>;
  readonly meanPerClassTop1: number;
  /** Undefined if samples were added as ranked classes without logits. */
  readonly calibration?: Calibration | undefined;
}

/** More than any head has; a damaged file may name any number. */
const MAX_CLASSES = 2 ** 24;

/**
 * Evaluator of top-1 and top-5 accuracy and calibration over a data set.
 *
 * @example
 *   ```ts
 *   const evaluator = new ClassificationEvaluator(3);
 *   evaluator.update(Float32Array.of(2, 1, 0, 0, 1, 2), [0, 1]); // logits of two images, labels
 *   console.log(evaluator.finish().top1); // 0.5
 *   ```
 */
export class ClassificationEvaluator {
  /** `[K]`. */
  private readonly samples: Float64Array;
  /** `[K]`. */
  private readonly first: Float64Array;
  private readonly calibration = new CalibrationSums();
  private readonly totals = { samples: 0, top1: 0, top5: 0 };

  /** @param numClasses K */
  constructor(private readonly numClasses: number) {
    assertNumber('classification', 'the number of classes', numClasses);
    if (!Number.isInteger(numClasses) || numClasses < 1 || numClasses > MAX_CLASSES)
      throw new ConfigError(
        `classification: expected 1 class or more, at most ${MAX_CLASSES}, got ${numClasses}`,
      );
    this.samples = new Float64Array(numClasses);
    this.first = new Float64Array(numClasses);
  }

  /**
   * Adds a batch.
   *
   * @param logits `[N, K]` row-major
   * @param labels `[N]`, 0 … K − 1
   * @param name of the batch or sample for errors
   * @throws DataError if the sizes do not fit, a logit is NaN or a label is invalid; then nothing is added
   */
  update(logits: Float32Array | Float64Array, labels: ArrayLike<number>, name = 'sample'): void {
    const K = this.numClasses;
    if (logits.length !== labels.length * K)
      throw new DataError(
        `${name}: expected ${labels.length} x ${K} = ${labels.length * K} logits, got ${logits.length}`,
      );
    const rows = Array.from(labels, (label, i) => {
      const row = logits.subarray(i * K, (i + 1) * K);
      assertLogits(labels.length > 1 ? `${name} ${i}` : name, row, label);
      return row;
    });
    rows.forEach((row, i) => {
      const rank = labelRank(row, labels[i]);
      this.count(labels[i], rank);
      this.calibration.add(row, labels[i], rank === 0);
    });
  }

  /**
   * Adds a sample of which only the first classes are known.
   *
   * @param classes classes by descending probability, at least five or all
   * @throws DataError for too few or invalid classes, or an invalid label; then nothing is added
   */
  updateRanked(classes: ArrayLike<number>, label: number, name = 'sample'): void {
    const K = this.numClasses;
    const list = Array.from(classes);
    const isClass = (c: number): boolean => Number.isInteger(c) && c >= 0 && c < K;
    if (!isClass(label))
      throw new DataError(`${name}: expected a label of 0 to ${K - 1}, got ${label}`);
    if (list.length < Math.min(5, K) || !list.every(isClass) || new Set(list).size < list.length)
      throw new DataError(
        `${name}: expected ${Math.min(5, K)} or more different classes of 0 to ${K - 1}, got [${list.join(', ')}]`,
      );
    const rank = list.indexOf(label);
    this.count(label, rank < 0 ? list.length : rank);
  }

  /** Computes the metrics of all samples so far. */
  finish(): ClassificationResult {
    const { samples, top1, top5 } = this.totals;
    const perClassTop1 = new Map<number, number>();
    for (let k = 0; k < this.numClasses; k++)
      if (this.samples[k] > 0) perClassTop1.set(k, this.first[k] / this.samples[k]);
    const sum = [...perClassTop1.values()].reduce((total, accuracy) => total + accuracy, 0);
    const hasLogits = this.calibration.numSamples === samples;
    return {
      numSamples: samples,
      top1: top1 / samples,
      top5: top5 / samples,
      perClassTop1,
      meanPerClassTop1: sum / perClassTop1.size,
      calibration: hasLogits ? this.calibration.finish() : undefined,
    };
  }

  /** Returns the partial result, for another evaluator's `addPartialResult`. */
  toPartialResult(): PartialResult {
    const { numClasses, samples, first, totals, calibration } = this;
    const counts = Float64Array.of(totals.samples, totals.top1, totals.top5);
    return {
      kind: 'classification',
      settings: { numClasses },
      arrays: { samples, first, totals: counts, calibration: calibration.sums },
    };
  }

  /** @throws ConfigError for a partial result of another kind or number of classes */
  addPartialResult(partial: PartialResult): void {
    const arrays = partialArrays(partial, {
      kind: 'classification',
      settings: { numClasses: this.numClasses },
      arrays: ['samples', 'first', 'totals', 'calibration'],
    });
    const own = [this.samples, this.first, this.calibration.sums];
    const other = [arrays.samples, arrays.first, arrays.calibration];
    if (arrays.totals.length !== 3 || own.some(({ length }, i) => other[i].length !== length))
      throw new DataError('merge: expected the sums of a classification, got others');
    own.forEach((sums, i) => sums.forEach((_, at) => (sums[at] += other[i][at])));
    this.totals.samples += arrays.totals[0];
    this.totals.top1 += arrays.totals[1];
    this.totals.top5 += arrays.totals[2];
  }

  private count(label: number, rank: number): void {
    this.totals.samples++;
    this.samples[label]++;
    if (rank < 1) {
      this.totals.top1++;
      this.first[label]++;
    }
    if (rank < 5) this.totals.top5++;
  }
}
