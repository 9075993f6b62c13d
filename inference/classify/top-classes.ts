import type { ClassScore } from '../../core/results.js';
import { softmax } from '../../core/softmax.js';

/**
 * The most likely classes, best first; of equal logits the lower index comes first.
 *
 * @param logits `[K]`
 * @param names by class index
 */
export function topClasses(
  logits: Float32Array,
  names: readonly string[],
  count = logits.length,
): readonly ClassScore[] {
  const probabilities = softmax(logits);
  const order = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);
  return order.slice(0, count).map((classIndex) => ({
    classIndex,
    name: names[classIndex],
    probability: probabilities[classIndex],
  }));
}
