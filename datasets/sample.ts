import type { Segmentation } from '../core/coco.js';
import type { LabelMap, RgbImage } from '../core/image.js';
import { decodeImage } from '../io/image/decode.js';

/** Samples of data sets for transforms: typed arrays only, which can be sent between threads efficiently. */

/** The objects of one image, without crowds, which are not used for training. */
export interface Objects {
  /** `[M, 4]` as `[x1, y1, x2, y2]`, pixels. */
  readonly boxes: Float32Array;
  /** `[M]`, 0 … K − 1. */
  readonly classIndices: Int32Array;
  /** One per object. */
  readonly segmentations: readonly Segmentation[];
  /** Annotation ids, `[M]` (float64: ids may exceed 32 bits). */
  readonly ids: Float64Array;
}

/** One image of a detection set. */
export interface DetectionSample {
  readonly imageId: number;
  readonly file: string;
  /** Pixels in memory instead of those of the file, whose name is then used only in messages. */
  readonly image?: RgbImage | undefined;
  readonly width: number;
  readonly height: number;
  readonly objects: Objects;
  /** Crowds. Objects marked `ignore` are in neither list, because training does not use them. */
  readonly ignored: Objects;
}

/** One image of a semantic segmentation set. */
export interface SegmentationSample {
  readonly file: string;
  /** Pixels in memory instead of those of the file, whose name is then used only in messages. */
  readonly image?: RgbImage | undefined;
  readonly labelFile: string;
  /** Labels in memory instead of those of the file; 255 is ignored. */
  readonly labels?: LabelMap | undefined;
}

/** One image of a classification set; `classIndex` is −1 if the label is unknown. */
export interface ClassificationSample {
  readonly file: string;
  /** Pixels in memory instead of those of the file, whose name is then used only in messages. */
  readonly image?: RgbImage | undefined;
  readonly classIndex: number;
}

/**
 * Loads the pixels of a sample: a copy of those in memory, which transforms may overwrite, or those of the file.
 *
 * @throws DataError with the file's name if it cannot be decoded
 */
export function imageOf({
  file,
  image,
}: Pick<ClassificationSample, 'file' | 'image'>): Promise<RgbImage> {
  return image ? Promise.resolve({ ...image, data: image.data.slice() }) : decodeImage(file);
}
