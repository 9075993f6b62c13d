import type { Segmentation } from '../core/coco.js';
import type { LabelMap, RgbImage } from '../core/image.js';
import { decodeImage, type DecodeOptions } from '../io/image/decode.js';
import type { PixelRange } from '../io/image/range.js';

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
  /** Values that become 0 and 255 in images of more than 8 bits. */
  readonly range?: PixelRange | undefined;
  readonly width: number;
  readonly height: number;
  readonly objects: Objects;
  /** Crowds. Objects marked `ignore` are in neither list, because training does not use them. */
  readonly ignored: Objects;
}

/** Regions of an image that are its labels, drawn in order on label 0. */
export interface LabelRegions {
  readonly width: number;
  readonly height: number;
  readonly objects: readonly { readonly label: number; readonly mask: Segmentation }[];
}

/** One image of a semantic segmentation set. */
export interface SegmentationSample {
  readonly file: string;
  /** Pixels in memory instead of those of the file, whose name is then used only in messages. */
  readonly image?: RgbImage | undefined;
  /** Values that become 0 and 255 in images of more than 8 bits. */
  readonly range?: PixelRange | undefined;
  readonly labelFile: string;
  /** Labels in memory instead of those of the file; 255 is ignored. */
  readonly labels?: LabelMap | undefined;
  /** Regions of polygons and masks instead of a label PNG, whose file is then that of the annotations. */
  readonly regions?: LabelRegions | undefined;
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
 * @param options.upright whether to turn the file's pixels by their EXIF orientation, as for detection and segmentation;
 *   the stored pixels are those of timm
 * @throws DataError with the file's name if it cannot be decoded
 */
export function imageOf(
  { file, image, range }: Pick<DetectionSample, 'file' | 'image' | 'range'>,
  { upright }: Pick<DecodeOptions, 'upright'> = {},
): Promise<RgbImage> {
  // `slice` of a Buffer would be a view.
  if (image) return Promise.resolve({ ...image, data: new Uint8Array(image.data) });
  return decodeImage(file, { upright, range });
}
