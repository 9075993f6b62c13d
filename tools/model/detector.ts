import { WeightsError } from '../../core/errors.js';
import { readClassList } from '../../datasets/class-list.js';
import type { RgbImage } from '../../core/image.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import { cocoClasses } from '../../models/coco-classes.js';
import type { DetectorView } from '../../models/detection/augmentation.js';
import { flipView } from '../../models/detection/augmentation.js';
import { DETECTION_THRESHOLDS } from '../../models/detection/config.js';
import type { DetectorCard } from '../../models/detector-card.js';
import { detectorCard } from '../../models/detector-card.js';
import type { LoadedDetector } from '../../models/load-detector.js';
import { loadDetector } from '../../models/load-detector.js';
import { detectorView } from '../../train/detect/views.js';
import type { LocatedModel } from './locate.js';

/** A detector ready to use, with what its inputs and outputs mean. */
export interface OpenedDetector extends LoadedDetector {
  readonly file: string;
  readonly card: DetectorCard;
}

/** What a user may say about a detector beside its name. */
export interface OpenDetectorOptions {
  /** Use the moving average of the weights. */
  readonly ema?: boolean;
  /** Class names: a list of {@link readClassList}. */
  readonly classes?: string;
  /** Limit of the short side of the resized image, where the file does not say it; the long side's is 5/3 of it. */
  readonly size?: number;
}

/** The test size of detectors on COCO. */
const LIMITS = { long: 1333, short: 800 } as const;

/** Factors of the resized image in test-time augmentation; each is seen as it is and mirrored. */
const AUGMENTED_SCALES = [0.8, 1, 1.2] as const;

/**
 * Opens a detector with its card; weight files without one (state dicts of mmdetection) get COCO's pre-processing and thresholds
 * and, for 80 classes, its names.
 *
 * @throws WeightsError if the file is of another task or does not fit
 */
export async function openDetector(
  { file, state }: LocatedModel,
  options: OpenDetectorOptions = {},
): Promise<OpenedDetector> {
  const which = options.ema ? ({ which: 'model_ema' } as const) : {};
  if (state) {
    const card = detectorCard(file, state);
    const { backbone, detector } = card;
    return {
      ...(await loadDetector(file, { ...which, architecture: { backbone, detector } })),
      file,
      card,
    };
  }
  const loaded = await loadDetector(file, which);
  const { backbone, model } = loaded;
  const { short } = LIMITS;
  const size = options.size;
  const card: DetectorCard = {
    task: 'detect',
    backbone,
    detector: model.config,
    ...classesOf(file, model.config.numClasses, options.classes),
    pixels: IMAGENET_PIXELS,
    limits:
      size === undefined ? LIMITS : { short: size, long: Math.round((LIMITS.long * size) / short) },
    thresholds: DETECTION_THRESHOLDS,
  };
  return { ...loaded, file, card };
}

/**
 * What the detector looks at: the image in the size of its card or, augmented, in three sizes and each also mirrored.
 */
export function detectorViews(
  image: RgbImage,
  { limits, pixels }: Pick<DetectorCard, 'limits' | 'pixels'>,
  isAugmented: boolean,
): readonly DetectorView[] {
  const viewed = (factor: number): DetectorView => ({
    ...detectorView(image, {
      pixels,
      limits: { long: Math.round(limits.long * factor), short: Math.round(limits.short * factor) },
    }),
    isFlipped: false,
  });
  if (!isAugmented) return [viewed(1)];
  return AUGMENTED_SCALES.map(viewed).flatMap((view) => [view, flipView(view)]);
}

function classesOf(
  file: string,
  numClasses: number,
  list: string | undefined,
): Pick<DetectorCard, 'classNames' | 'categoryIds'> {
  const coco = cocoClasses();
  if (list === undefined && numClasses === coco.names.length)
    return { classNames: coco.names, categoryIds: coco.categoryIds };
  const classNames =
    list === undefined
      ? Array.from({ length: numClasses }, (_, k) => `class ${k}`)
      : readClassList(list).map(({ name }) => name);
  if (classNames.length !== numClasses)
    throw new WeightsError(
      `${file}: expected ${numClasses} class names, got ${classNames.length} in ${String(list)}`,
      { file },
    );
  return { classNames, categoryIds: classNames.map((_, k) => k + 1) };
}
