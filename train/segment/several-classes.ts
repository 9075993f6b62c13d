import { IGNORED_LABEL } from '../../core/image.js';
import { evenly } from '../../datasets/evenly.js';
import { inParallel } from '../../datasets/in-parallel.js';
import { labelsOf } from '../../datasets/png-label-map.js';
import type { SegmentationSet } from '../../datasets/segmentation-folder.js';

/** Largest number of label maps that are read. */
const MOST_IMAGES = 200;

/**
 * Selects images with pixels of several classes: a model that always answers with one class is right about the others.
 *
 * @param indices of the images to select from; of many, those spread over the list
 * @throws DataError if a label file cannot be read, or a label is unknown
 */
export async function imagesOfSeveralClasses(
  { samples, mapping }: SegmentationSet,
  indices: readonly number[],
): Promise<readonly number[]> {
  const read = evenly(indices, MOST_IMAGES);
  const areVaried = await inParallel(read, async (i) => {
    const { data } = await labelsOf(samples[i], mapping);
    const first = data.find((label) => label !== IGNORED_LABEL);
    return data.some((label) => label !== IGNORED_LABEL && label !== first);
  });
  return read.filter((_, i) => areVaried[i]);
}
