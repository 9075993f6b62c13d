import { assertObject } from '../../core/arguments.js';
import { ConfigError, DataError } from '../../core/errors.js';
import type { PartialResult } from '../../core/partial-result.js';
import { partialArrays } from '../partial-result.js';
import { countBytePairs, type ClassMap } from './count-pairs.js';
import { semanticMetrics, type ClassAreas, type SemanticMetrics } from './metrics.js';

interface SemanticOptions {
  /** K, at most 65535. */
  readonly numClasses: number;
  /** Label of ignored pixels. */
  readonly ignoreIndex?: number | undefined;
  /** Whether 0 in label files means "other" and 1 … K are classes; they become the ignored label and 0 … K − 1. */
  readonly reduceZeroLabel?: boolean | undefined;
}

/** Result of an evaluation. */
export interface SemanticResult extends SemanticMetrics {
  /** `[K, K]` pixels, label by prediction. */
  readonly confusion: Float64Array;
  readonly areas: ClassAreas;
  readonly numImages: number;
  /** Number of labeled pixels whose prediction is not a class: wrong, but not counted as predictions of a class. */
  readonly numOutOfRange: number;
}

/**
 * Accumulates a confusion matrix over a data set. Pixels with the ignored label are skipped.
 *
 * @example
 *   ```ts
 *   const evaluator = new SemanticEvaluator({ numClasses: 2 });
 *   evaluator.update(Uint8Array.of(0, 0, 1, 255), Uint8Array.of(0, 1, 1, 0)); // labels, predictions
 *   console.log(evaluator.finish().mIoU); // 0.5
 *   ```
 */
export class SemanticEvaluator {
  private readonly numClasses: number;
  private readonly ignoreIndex: number;
  private readonly reduceZeroLabel: boolean;
  private readonly pairs = new Uint32Array(2 * 65536);
  /** `[K, K + 1]`; the last column is for predictions without a class. */
  private readonly counts: Float64Array;
  private numImages = 0;

  /** @throws ConfigError for a number of classes that maps cannot represent */
  constructor(options: SemanticOptions) {
    assertObject('SemanticEvaluator', 'options with numClasses', options);
    const { numClasses, ignoreIndex = 255, reduceZeroLabel = false } = options;
    if (!Number.isInteger(numClasses) || numClasses < 1 || numClasses > 65535)
      throw new ConfigError(`semantic: expected 1 to 65535 classes, got ${numClasses}`);
    this.numClasses = numClasses;
    this.ignoreIndex = ignoreIndex;
    this.reduceZeroLabel = reduceZeroLabel;
    this.counts = new Float64Array(numClasses * (numClasses + 1));
  }

  /**
   * Adds an image.
   *
   * @param labels `[H, W]`
   * @param predictions `[H, W]`
   * @param name named in errors
   * @returns the counts of this image alone
   * @throws DataError if the maps differ in size, or a label is neither a class nor ignored; then nothing is added
   */
  update(labels: ClassMap, predictions: ClassMap, name = 'image'): ClassAreas {
    if (labels.length !== predictions.length)
      throw new DataError(
        `${name}: expected ${labels.length} predictions, one per label, got ${predictions.length}`,
      );
    const counts =
      labels instanceof Uint8Array && predictions instanceof Uint8Array
        ? this.countBytes(labels, predictions, name)
        : this.countWide(labels, predictions, name);
    for (let i = 0; i < counts.length; i++) this.counts[i] += counts[i];
    this.numImages++;
    return this.areas(counts);
  }

  /** Computes the metrics of all images so far. */
  finish(): SemanticResult {
    const { numClasses: K, counts } = this;
    const areas = this.areas(counts);
    const confusion = new Float64Array(K * K);
    let numOutOfRange = 0;
    for (let label = 0; label < K; label++) {
      confusion.set(counts.subarray(label * (K + 1), label * (K + 1) + K), label * K);
      numOutOfRange += counts[label * (K + 1) + K];
    }
    return {
      ...semanticMetrics(areas),
      confusion,
      areas,
      numImages: this.numImages,
      numOutOfRange,
    };
  }

  /** Returns the partial result, for another evaluator's `addPartialResult`. */
  toPartialResult(): PartialResult {
    return {
      kind: 'semantic',
      settings: this.settings(),
      arrays: { counts: this.counts, numImages: Float64Array.of(this.numImages) },
    };
  }

  /** @throws ConfigError for a partial result of another kind or with other settings */
  addPartialResult(partial: PartialResult): void {
    const { counts, numImages } = partialArrays(partial, {
      kind: 'semantic',
      settings: this.settings(),
      arrays: ['counts', 'numImages'],
    });
    if (counts.length !== this.counts.length)
      throw new DataError(`merge: expected ${this.counts.length} counts, got ${counts.length}`);
    for (let i = 0; i < counts.length; i++) this.counts[i] += counts[i];
    this.numImages += numImages[0];
  }

  private settings(): unknown {
    const { numClasses, ignoreIndex, reduceZeroLabel } = this;
    return { numClasses, ignoreIndex, reduceZeroLabel };
  }

  private countBytes(labels: Uint8Array, predictions: Uint8Array, name: string): Float64Array {
    const { numClasses: K, pairs } = this;
    const counts = new Float64Array(K * (K + 1));
    pairs.fill(0);
    countBytePairs(labels, predictions, pairs);
    for (let raw = 0; raw < 256; raw++) {
      const label = this.mapLabel(raw);
      for (let prediction = 0; prediction < 256; prediction++) {
        const at = (raw << 8) | prediction;
        const count = pairs[at] + pairs[65536 | at];
        if (count === 0 || label === this.ignoreIndex) continue;
        this.assertLabel(label, raw, name);
        counts[label * (K + 1) + Math.min(prediction, K)] += count;
      }
    }
    return counts;
  }

  private countWide(labels: ClassMap, predictions: ClassMap, name: string): Float64Array {
    const { numClasses: K } = this;
    const counts = new Float64Array(K * (K + 1));
    for (let i = 0; i < labels.length; i++) {
      const label = this.mapLabel(labels[i]);
      if (label === this.ignoreIndex) continue;
      this.assertLabel(label, labels[i], name);
      const prediction = predictions[i] >= 0 && predictions[i] < K ? predictions[i] : K;
      counts[label * (K + 1) + prediction]++;
    }
    return counts;
  }

  private mapLabel(raw: number): number {
    if (!this.reduceZeroLabel || raw === this.ignoreIndex) return raw;
    return raw === 0 ? this.ignoreIndex : raw - 1;
  }

  private assertLabel(label: number, raw: number, name: string): void {
    if (label >= 0 && label < this.numClasses) return;
    const first = this.reduceZeroLabel ? 1 : 0;
    const last = this.numClasses - 1 + first;
    throw new DataError(
      `${name}: expected labels ${first} to ${last}${this.reduceZeroLabel ? ', 0' : ''} or ${this.ignoreIndex}, got ${raw}`,
    );
  }

  private areas(counts: Float64Array): ClassAreas {
    const { numClasses: K } = this;
    const intersection = new Float64Array(K);
    const predicted = new Float64Array(K);
    const labeled = new Float64Array(K);
    for (let label = 0, at = 0; label < K; label++) {
      intersection[label] = counts[at + label];
      for (let prediction = 0; prediction <= K; prediction++, at++) {
        labeled[label] += counts[at];
        if (prediction < K) predicted[prediction] += counts[at];
      }
    }
    return { intersection, predicted, labeled };
  }
}
