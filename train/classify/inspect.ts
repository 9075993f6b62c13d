import { inspectClassificationSet } from '../../datasets/classification-check.js';
import type { ClassificationSet } from '../../datasets/imagenet.js';
import type { ProblemLog } from '../../datasets/problems.js';
import type { InspectedSet, InspectRequest } from '../inspect.js';

/** Decides what a classifier uses of a set, and looks at its images unless they are in memory. */
export async function inspectClassificationData(
  set: ClassificationSet,
  { images, purpose }: InspectRequest,
  log: ProblemLog,
): Promise<InspectedSet> {
  const { use } = await inspectClassificationSet(set, { images, purpose }, log);
  return { use };
}
