import { IGNORED_LABEL } from '../../core/image.js';
import type { TargetCounts } from '../data-facts.js';

/** Counts the labels of a batch: its loss is a mean over all pixels, to which ignored ones add nothing. */
export function labelCounts(labels: ArrayLike<number>, numClasses: number): TargetCounts {
  const counts = new Array<number>(numClasses).fill(0);
  let ignored = 0;
  for (let i = 0; i < labels.length; i++)
    if (labels[i] === IGNORED_LABEL) ignored++;
    else counts[labels[i]]++;
  const share = 1 - ignored / Math.max(1, labels.length);
  return { loss: 'lossDecode', of: 'pixels', counts, share };
}
