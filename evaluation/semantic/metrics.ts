import { sum } from '../../core/statistics.js';

/** Pixels per class, `[K]` each. */
export interface ClassAreas {
  /** Pixels labeled and predicted as the class. */
  readonly intersection: Float64Array;
  readonly predicted: Float64Array;
  readonly labeled: Float64Array;
}

/** Metrics of one class, 0–1; NaN if undefined (0/0). */
interface ClassMetrics {
  readonly IoU: number;
  readonly Acc: number;
  readonly Dice: number;
  readonly Precision: number;
  readonly Recall: number;
  readonly Fscore: number;
}

/** Metrics over all classes, 0–1; NaN if undefined for all classes. */
export interface SemanticMetrics {
  /** Pixel accuracy. */
  readonly aAcc: number;
  /** Mean over the classes for which it is defined, like all that begin with m. */
  readonly mIoU: number;
  readonly mAcc: number;
  readonly mDice: number;
  readonly mPrecision: number;
  readonly mRecall: number;
  readonly mFscore: number;
  /** IoU weighted by labeled pixels. */
  readonly fwIoU: number;
  /** `[K]`. */
  readonly perClass: readonly ClassMetrics[];
}

/**
 * Computes the usual metrics. A class that is predicted but never labeled has IoU 0 and no accuracy: it lowers mIoU, not
 * mAcc.
 *
 * @see https://github.com/open-mmlab/mmsegmentation/blob/v0.30.0/mmseg/core/evaluation/metrics.py
 */
export function semanticMetrics({ intersection, predicted, labeled }: ClassAreas): SemanticMetrics {
  const perClass = Array.from(intersection, (I, k): ClassMetrics => {
    const [P, L] = [predicted[k], labeled[k]];
    const [Precision, Recall] = [I / P, I / L];
    return {
      IoU: I / (P + L - I),
      Acc: Recall,
      Dice: (2 * I) / (P + L),
      Precision,
      Recall,
      Fscore: (2 * Precision * Recall) / (Precision + Recall),
    };
  });
  const total = sum(labeled);
  const mean = (key: keyof ClassMetrics): number => definedMean(perClass.map((c) => c[key]));
  return {
    aAcc: sum(intersection) / total,
    mIoU: mean('IoU'),
    mAcc: mean('Acc'),
    mDice: mean('Dice'),
    mPrecision: mean('Precision'),
    mRecall: mean('Recall'),
    mFscore: mean('Fscore'),
    fwIoU:
      perClass.reduce((s, { IoU }, k) => s + (labeled[k] > 0 ? labeled[k] * IoU : 0), 0) / total,
    perClass,
  };
}

/** Mean of the values that are not NaN; NaN if there are none. */
export function definedMean(values: readonly number[]): number {
  const defined = values.filter((value) => !Number.isNaN(value));
  return sum(defined) / defined.length;
}
