import type { ClassScore } from '../../core/results.js';
import { softmax } from '../../core/softmax.js';

/** Prediction of a classifier for an image, computed as far as it is asked for. */
export interface Classification {
  /** `[K]`. */
  readonly logits: Float32Array;
  /** Probabilities by class index. */
  probabilities(): Float64Array;
  /** The most probable classes, best first, ties by index. @param count default: all */
  classes(count?: number): readonly ClassScore[];
}

/**
 * Creates the prediction that logits say.
 *
 * @param logits `[K]`
 * @param names by class index
 */
export function classification(logits: Float32Array, names: readonly string[]): Classification {
  const probabilities = (): Float64Array => softmax(logits);
  return {
    logits,
    probabilities,
    classes: (count) => {
      const all = probabilities();
      const order = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);
      return order.slice(0, count).map((classIndex) => ({
        classIndex,
        name: names[classIndex],
        probability: all[classIndex],
      }));
    },
  };
}
