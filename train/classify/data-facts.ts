import type { ClassificationSet } from '../../datasets/imagenet.js';
import type { ClassificationConfig } from '../config/classify.js';
import { classWeightsOf } from '../class-weights.js';
import { constantLoss } from '../constant-loss.js';
import { counted, type DataFacts } from '../data-facts.js';

/** Fraction of the largest class from which a model may well learn that class alone. */
const ONE_CLASS = 0.9;

/**
 * Factor of the fraction of the largest class from which an accuracy is more than that of a constant answer, and the number of its
 * standard deviations over the images, which decides for a handful of them.
 */
const BETTER = 1.2;
const DEVIATIONS = 2;

/** Counts images and classes of a classification set, and the loss of the best constant answer. */
export function classificationFacts(
  { samples, classes }: ClassificationSet,
  { labelSmoothing, focalGamma, classWeights }: ClassificationConfig,
): DataFacts {
  const counts = new Array<number>(classes.length).fill(0);
  const labels = samples.map(({ classIndex }) => classIndex);
  for (const k of labels) counts[k]++;
  const names = classes.map(({ name }) => name);
  const largest = counts.indexOf(Math.max(...counts));
  const fraction = counts[largest] / Math.max(samples.length, 1);
  const deviation = Math.sqrt((fraction * (1 - fraction)) / Math.max(samples.length, 1));
  const smooth = (samples.length * labelSmoothing) / classes.length;
  return {
    counts: `${counted(samples.length, 'image')} of ${counted(classes.length, 'class', 'classes')}`,
    constantLoss: constantLoss(
      counts.map((count) => (1 - labelSmoothing) * count + smooth),
      { classWeights: classWeightsOf(classWeights, labels, names), focalGamma },
    ),
    learnedFrom: Math.min(1, Math.max(BETTER * fraction, fraction + DEVIATIONS * deviation)),
    concerns:
      fraction > ONE_CLASS
        ? [
            `one class only: ${Math.round(100 * fraction)} % of the images are of ${classes[largest].name}`,
          ]
        : [],
  };
}
