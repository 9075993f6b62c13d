import { AnnotationsError } from '../../core/errors.js';
import { alignDetection } from '../../datasets/align-classes.js';
import { rowsOf } from '../../datasets/coco/samples.js';
import type { CocoSet } from '../../datasets/coco/set.js';
import { reasonToSkip } from '../../datasets/coco/training-rules.js';
import type { TrainingData } from '../tasks/task.js';

/**
 * The validation set with the class indices of the training set. Checks that objects have masks, if they are wanted.
 *
 * @throws DataError for other classes, or a missing mask
 */
export function checkedValidation(
  { training, validation }: TrainingData<CocoSet>,
  masks: boolean,
): CocoSet | undefined {
  if (masks) assertMasks(training);
  const { names } = training.classes;
  return validation && alignDetection(validation, names, { owner: training.file }).set;
}

/**
 * Checks before training that all objects that are trained on have masks.
 *
 * @throws DataError naming file, image and annotation
 */
function assertMasks(set: CocoSet): void {
  const { annotations, images, file } = set;
  const without = (image: number): number | undefined =>
    rowsOf(set, image).find(
      (a) =>
        set.classIndices[a] >= 0 &&
        reasonToSkip(set, a, image) === undefined &&
        annotations.masks.describe(a).kind === 'none',
    );
  for (let image = 0; image < images.ids.length; image++) {
    const row = without(image);
    if (row === undefined) continue;
    const id = annotations.ids[row];
    throw new AnnotationsError(
      `${file}#${id}: expected a mask (segmentation) of every object, got none in image ${images.ids[image]} ` +
        `(${images.fileNames[image]}); train boxes only with detector.masks=null, or add masks`,
      { file, id, flags: { 'with detector.masks': 'with --set detector.masks' } },
    );
  }
}
