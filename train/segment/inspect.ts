import type { ProblemLog } from '../../datasets/problems.js';
import { checkSegmentationSet } from '../../datasets/segmentation-check.js';
import type { SegmentationSet } from '../../datasets/segmentation-folder.js';
import type { InspectedSet, InspectRequest } from '../inspect.js';

/** Number of label files that are read; `data check` reads all. */
const MAX_LABELS = 2000;

/** Decides what a segmenter uses of a set, and looks at its images and labels. */
export async function inspectSegmentationData(
  set: SegmentationSet,
  { images, purpose, needs }: InspectRequest,
  log: ProblemLog,
): Promise<InspectedSet> {
  const used = { images: set.samples.length };
  if (images === 'none') return { use: { used, leftOut: [] } };
  await checkSegmentationSet(set, log, {
    decode: images === 'pixels',
    purpose,
    limits: needs.limits,
    maxLabels: MAX_LABELS,
  });
  return { use: { used, leftOut: [] } };
}
