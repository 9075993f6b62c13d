import type { ClassificationSet } from '../../datasets/imagenet.js';
import type { ClassificationConfig } from '../config/classify.js';
import { counted, entropy, type DataFacts } from '../data-facts.js';

/** Share of the largest class from which a model may well learn that class alone. */
const ONE_CLASS = 0.9;

/** Factor of the share of the largest class from which an accuracy is more than that of a constant answer. */
const BETTER = 1.2;

/** Counts images and classes of a classification set, and the loss of the best constant answer. */
export function classificationFacts(
  { samples, classes }: ClassificationSet,
  { labelSmoothing }: ClassificationConfig,
): DataFacts {
  const counts = new Array<number>(classes.length).fill(0);
  for (const { classIndex } of samples) counts[classIndex]++;
  const largest = counts.indexOf(Math.max(...counts));
  const share = counts[largest] / Math.max(samples.length, 1);
  const smooth = (samples.length * labelSmoothing) / classes.length;
  return {
    counts: `${counted(samples.length, 'image')} of ${counted(classes.length, 'class', 'classes')}`,
    constantLoss: entropy(counts.map((count) => (1 - labelSmoothing) * count + smooth)),
    learnedFrom: Math.min(1, BETTER * share),
    concerns:
      share > ONE_CLASS
        ? [
            `one class only: ${Math.round(100 * share)} % of the images are of ${classes[largest].name}`,
          ]
        : [],
  };
}
