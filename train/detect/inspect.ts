import { checkImageFiles } from '../../datasets/coco/image-files.js';
import { inspectCocoSet } from '../../datasets/coco/inspect-set.js';
import { COCO_PROBLEMS } from '../../datasets/coco/problem-kinds.js';
import type { CocoSet } from '../../datasets/coco/set.js';
import type { ProblemLog } from '../../datasets/problems.js';
import type { InspectedSet, InspectRequest } from '../inspect.js';

const NO_FOLDER =
  'expected the folder of its images beside it, such as images/, or a data.yaml that names it, got none';

/** Decides what a detector uses of a set, and looks at its images unless they are in memory. */
export async function inspectDetectionData(
  set: CocoSet,
  { images, ...request }: InspectRequest,
  log: ProblemLog,
): Promise<InspectedSet> {
  const { used, leftOut, hasMasks } = inspectCocoSet(set, request, log);
  const { imageFolder } = set;
  if (imageFolder === undefined)
    log.add(COCO_PROBLEMS.imageFolderMissing, { file: set.file, message: NO_FOLDER });
  else if (images !== 'none' && !set.images.pixels)
    await checkImageFiles(set, imageFolder, log, {
      decode: images === 'pixels',
      range: set.range,
    });
  const boxesOnly = request.needs.masks && !hasMasks && used['objects'] > 0;
  // The findings of loading are among those of the inspection.
  const known = set.findings.filter((finding) => !log.has(finding));
  return { use: { used, leftOut }, boxesOnly, known };
}
