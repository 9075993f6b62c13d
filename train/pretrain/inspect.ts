import { inspectClassificationSet } from '../../datasets/classification-check.js';
import type { ProblemLog } from '../../datasets/problems.js';
import type { InspectedSet, InspectRequest } from '../inspect.js';
import type { ImageSet } from './images.js';

/** Looks at the images of a set without labels, unless they are in memory. */
export async function inspectImages(
  { folder, samples }: ImageSet,
  { images }: InspectRequest,
  log: ProblemLog,
): Promise<InspectedSet> {
  const unlabeled = { layout: 'images', folder, split: 'all', samples, classes: [] } as const;
  // Without labels there is nothing else to decide.
  const request = { purpose: 'evaluation', images } as const;
  const { use } = await inspectClassificationSet({ ...unlabeled, ignoredFiles: [] }, request, log);
  return { use: { used: { images: use.used['images'] }, leftOut: [] } };
}
