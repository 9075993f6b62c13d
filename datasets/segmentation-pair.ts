import type { LabelMap, RgbImage } from '../core/image.js';
import { AnnotationsError } from '../core/errors.js';
import { labelsOf, type LabelMapping } from './png-label-map.js';
import { imageOf, type SegmentationSample } from './sample.js';

/**
 * Loads an image and its labels. The image is upright, or as stored where the labels have the size of the stored pixels.
 *
 * @throws DataError if one is unreadable, their sizes differ, or a label is unknown
 */
export async function loadPair(
  sample: SegmentationSample,
  mapping: LabelMapping,
): Promise<{ readonly image: RgbImage; readonly labels: LabelMap }> {
  const labels = await labelsOf(sample, mapping);
  const image = await imageOf(sample, { upright: labels });
  if (image.width !== labels.width || image.height !== labels.height)
    throw AnnotationsError.in(
      sample.labelFile,
      `expected ${image.width}x${image.height} of its image, got ${labels.width}x${labels.height}`,
    );
  return { image, labels };
}
