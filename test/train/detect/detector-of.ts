import type { DetectedObject } from '../../../core/results.js';
import { IMAGENET_PIXELS } from '../../../datasets/transforms/normalize.js';
import type { DetectorCard } from '../../../inference/card.js';
import type { DetectorModel } from '../../../inference/model.js';
import type { RgbImage } from '../../../core/image.js';
import { DETECTION_THRESHOLDS } from '../../../models/detection/config.js';
import { MASK_RCNN } from '../../../models/mask-rcnn.js';

/** A detector that says what it is told to. */
export function detectorOf(
  detect: (image: RgbImage) => readonly DetectedObject[],
  {
    classNames,
    masks = null,
    limits = { long: 1333, short: 800 },
  }: Pick<DetectorCard, 'classNames'> & {
    readonly masks?: DetectorCard['detector']['masks'];
    readonly limits?: DetectorCard['limits'];
  },
): DetectorModel {
  const card: DetectorCard = {
    task: 'detect',
    backbone: { depths: [1, 1, 1, 1], dims: [4, 4, 4, 4], responseNorm: 'grn' },
    detector: { ...MASK_RCNN, numClasses: classNames.length, masks },
    classNames,
    categoryIds: classNames.map((_, k) => k + 1),
    pixels: IMAGENET_PIXELS,
    limits,
    thresholds: DETECTION_THRESHOLDS,
  };
  return {
    task: 'detect',
    file: undefined,
    card,
    classNames,
    loaded: undefined as never,
    options: {},
    predict: (image) => {
      const { width, height } = image as RgbImage;
      const objects = detect(image as RgbImage);
      return Promise.resolve({ task: 'detect', width, height, objects });
    },
    release: () => Promise.resolve(),
  };
}
