import { DataError } from '../../core/errors.js';
import { rowsOf } from '../../datasets/coco/samples.js';
import type { CocoSet } from '../../datasets/coco/set.js';
import { assertClasses } from './evaluate.js';

/**
 * Checks before training that the sets are consistent, and that all objects have the required annotations.
 *
 * @throws DataError naming files, image and annotation
 */
export function assertTrainingData(
  training: CocoSet,
  validation: CocoSet | undefined,
  { masks }: { readonly masks: boolean },
): void {
  if (validation) assertClasses(validation, training.classes.names);
  if (masks) assertMasks(training);
}

function assertMasks(set: CocoSet): void {
  const { annotations, images, file } = set;
  const without = (image: number): number | undefined =>
    rowsOf(set, image).find(
      (a) =>
        set.classIndices[a] >= 0 &&
        annotations.crowds[a] === 0 &&
        annotations.ignores[a] === 0 &&
        annotations.masks.describe(a).kind === 'none',
    );
  for (let image = 0; image < images.ids.length; image++) {
    const row = without(image);
    if (row === undefined) continue;
    const id = annotations.ids[row];
    throw new DataError(
      `${file}#${id}: expected a mask (segmentation) of every object, got none in image ${images.ids[image]} ` +
        `(${images.fileNames[image]}); train boxes only with --set detector.masks=null, or add masks`,
      { file, id },
    );
  }
}
