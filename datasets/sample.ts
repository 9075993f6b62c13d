import type { Segmentation } from '../core/coco.js';

/** What data sets yield and transforms change: typed arrays only, so that samples cross threads cheaply. */

/** The objects of one image. Crowd regions are kept apart: they are not trained on. */
export interface Objects {
  /** `[M, 4]` as `[x1, y1, x2, y2]`, pixels. */
  readonly boxes: Float32Array;
  /** `[M]`, 0 … K − 1. */
  readonly classIndices: Int32Array;
  /** One an object. */
  readonly segmentations: readonly Segmentation[];
  /** Annotation ids, `[M]` (float64: ids may exceed 32 bits). */
  readonly ids: Float64Array;
}

/** One image of a detection set. */
export interface DetectionSample {
  readonly imageId: number;
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly objects: Objects;
  /** Crowd regions. Objects marked `ignore` are in neither list: training takes no notice of them. */
  readonly ignored: Objects;
}

/** One image of a semantic segmentation set. */
export interface SegmentationSample {
  readonly file: string;
  readonly labelFile: string;
}

/** One image of a classification set; `classIndex` is −1 where the label is unknown. */
export interface ClassificationSample {
  readonly file: string;
  readonly classIndex: number;
}
