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
  const share = 1 - ignored / Math.max(1, labels.length);
  const { classWeights, focalGamma, hardPixels, diceWeight = 0 } = loss;
  const isOther = hardPixels !== undefined || diceWeight > 0;
  const changes = isOther ? 'other' : { classWeights, focalGamma };
  return { loss: 'lossDecode', of: 'pixels', counts, share, changes };
}
