import { IGNORED_LABEL } from '../../core/image.js';
import type { PixelLoss } from '../../heads/pixel-losses.js';
import type { TargetCounts } from '../data-facts.js';

/** Counts the labels of a batch: its loss is a mean over all pixels, to which ignored ones add nothing. */
export function labelCounts(
  labels: ArrayLike<number>,
  numClasses: number,
  loss: PixelLoss = {},
): TargetCounts {
  const counts = new Array<number>(numClasses).fill(0);
  let ignored = 0;
  for (let i = 0; i < labels.length; i++)
    if (labels[i] === IGNORED_LABEL) ignored++;
    else counts[labels[i]]++;
  const fraction = 1 - ignored / Math.max(1, labels.length);
  const { classWeights, focalGamma, hardPixels, diceWeight = 0 } = loss;
  const changes = hardPixels ? 'other' : { classWeights, focalGamma };
  // Where the probabilities are the frequencies, so is the Dice of every class: their mean is 1 / number of classes.
  const numPresent = counts.filter((count) => count > 0).length;
  const added = numPresent > 0 ? diceWeight * (1 - 1 / numPresent) : 0;
  return { loss: 'lossDecode', of: 'pixels', counts, fraction, changes, added };
}
