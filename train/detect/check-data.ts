import { DataError } from '../../core/errors.js';
import { rowsOf } from '../../datasets/coco/samples.js';
import type { CocoSet } from '../../datasets/coco/set.js';

/**
 * Checks before training that all objects have masks.
 *
 * @throws DataError naming file, image and annotation
 */
export function assertMasks(set: CocoSet): void {
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
