import type { ClassScore } from '../../core/results.js';
import { softmax } from '../../core/softmax.js';

/**
 * Finds the most probable classes, best first, ties by index.
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
