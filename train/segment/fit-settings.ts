import type { SegmentationSet } from '../../datasets/segmentation-folder.js';
import type { Settings } from '../config/layers.js';
import type { SegmentationConfig } from '../config/segment.js';
import { settingsOfSize } from '../config/shortcuts.js';
import { affordableSide } from '../image-sizes.js';

/** Settings that depend on the size of the input. */
const SIZES = ['geometry.scale', 'geometry.cropSize', 'evaluation.limits', 'evaluation.window'];

/**
 * Chooses settings of a segmenter by its training set: an input no larger than the images.
 *
 * @param isSet whether the user set a value at or below a path, which is then kept
 * @returns settings to merge into the configuration
 * @throws DataError if an image cannot be read
 */
export async function fitSegmenter(
  { samples }: SegmentationSet,
  config: SegmentationConfig,
  isSet: (path: string) => boolean,
): Promise<Settings> {
  if (SIZES.some(isSet)) return {};
  const usual = config.evaluation.limits.short;
  const short = await affordableSide(samples, usual);
  return short === usual ? {} : settingsOfSize(config, short);
}
