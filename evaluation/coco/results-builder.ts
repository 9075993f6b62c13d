import { assertObject } from '../../core/arguments.js';
import {
  assertImageSize,
  rleOfSegmentation,
  type CocoDomain,
  type CompressedRle,
  type IouType,
  type ReadResult,
} from '../../core/coco.js';
import { ResultsError } from '../../core/errors.js';
import { rleFromBox } from '../../core/rle-polygons.js';
import { rleArea, rleBox, type Rle } from '../../core/rle.js';
import { boxAround } from './keypoint-similarity.js';
import { CocoDetectionsBuilder, type CocoDetections } from './objects.js';

/** A field of a result with the location of the object. */
type ResultKind = 'bbox' | 'segmentation' | 'keypoints';

/** Results with observations for warnings. */
export interface CocoResults {
  readonly detections: CocoDetections;
  /** Location field of the first record, which decides how all areas are computed. Undefined without records. */
  readonly kind: ResultKind | undefined;
  /** Whether the first record has a box and a mask. */
  readonly hasBoxAndMask: boolean;
  /** Number of detections skipped because their image is not listed. */
  readonly numUnknownImages: number;
}

export interface ResultsOptions {
  readonly iouType: IouType;
  /** Whether results with boxes and masks get the areas of the boxes, as in the reference. */
  readonly strict: boolean;
  /** Handling of detections of images that are not listed. */
  readonly unknownImages: 'refuse' | 'leaveOut';
  /** Selects the images whose masks are needed; others get empty ones. Default: all. */
  readonly wantsMask?: ((imageId: number) => boolean) | undefined;
  /** Whether other threads read the masks, too. */
  readonly isShared?: boolean | undefined;
}

/**
 * Collects the records of COCO result files. If masks are requested and there are only boxes, these are converted to
 * masks, and vice versa.
 *
 * @see `loadRes`: https://github.com/cocodataset/cocoapi/blob/8c9bcc3/PythonAPI/pycocotools/coco.py
 */
export class CocoResultsBuilder {
  private readonly detections: CocoDetectionsBuilder;
  private readonly imageIndexOf: ReadonlyMap<number, number>;
  private kind: ResultKind | undefined;
  private hasBoxAndMask = false;
  private numUnknownImages = 0;
  private needsMasks = false;
  private keepsBoxAreas = false;
  /** Detections of an image are nearly always together. */
  private lastImageId = NaN;
  private lastImage: number | undefined;

  constructor(
    private readonly domain: CocoDomain,
    private readonly options: ResultsOptions,
  ) {
    assertObject('CocoResultsBuilder', 'the images and categories of a set', domain, 'imageIds');
    assertObject('CocoResultsBuilder', 'an object of options', options);
    this.detections = new CocoDetectionsBuilder(options.isShared);
    this.imageIndexOf = new Map(Array.from(domain.imageIds, (id, index) => [id, index]));
  }

  /**
   * Required fields, determined by the first record.
   *
   * @param first any value; all fields if it is not a record
   */
  fields(first: unknown): readonly ResultKind[] {
    const { bbox, segmentation, keypoints } = (first ?? {}) as Readonly<Record<string, unknown>>;
    if (this.kind === undefined) {
      const hasBox = Array.isArray(bbox) && bbox.length > 0;
      if (hasBox) this.kind = 'bbox';
      else if (segmentation !== undefined) this.kind = 'segmentation';
      else if (keypoints !== undefined) this.kind = 'keypoints';
      else return ['bbox', 'segmentation', 'keypoints'];
      const { iouType, strict } = this.options;
      this.hasBoxAndMask = hasBox && segmentation !== undefined;
      this.needsMasks = iouType === 'segm' || this.kind === 'segmentation';
      this.keepsBoxAreas =
        iouType !== 'segm' ||
        (this.kind === 'bbox' && (strict || !this.hasBoxAndMask)) ||
        this.kind === 'keypoints';
    }
    const needsKeypoints = this.options.iouType === 'keypoints' || this.kind === 'keypoints';
    return [
      'bbox',
      ...(this.needsMasks ? (['segmentation'] as const) : []),
      ...(needsKeypoints ? (['keypoints'] as const) : []),
    ];
  }

  /**
   * Adds a record whose {@link fields} have COCO's format; other fields may have any value.
   *
   * @throws DataError if it lacks the compared field, or if its image is unknown and unknown images are rejected
   */
  add(record: ReadResult): void {
    if (this.kind === undefined) this.fields(record);
    const { iouType, unknownImages } = this.options;
    const { image_id: imageId, keypoints } = record;
    if (imageId !== this.lastImageId) {
      this.lastImageId = imageId;
      this.lastImage = this.imageIndexOf.get(imageId);
    }
    const image = this.lastImage;
    if (image === undefined) {
      if (unknownImages === 'refuse')
        throw new ResultsError(`expected an image_id of the ground truth, got ${imageId}`);
      this.numUnknownImages++;
      return;
    }
    let mask = this.needsMasks ? this.maskOf(record, image) : undefined;
    let box = record.bbox?.length ? record.bbox : undefined;
    if (this.kind === 'keypoints') {
      if (!keypoints?.length || keypoints.length % 3 !== 0)
        throw new ResultsError(`expected keypoints (x, y, v), got ${keypoints?.length ?? 0}`);
      box = boxAround(keypoints);
    }
    let area: number | undefined;
    if (mask && iouType !== 'segm') {
      const rle = mask as Rle;
      box ??= rleBox(rle);
      area = rleArea(rle);
      mask = undefined;
    } else if (this.keepsBoxAreas) {
      if (!box) throw new ResultsError('expected a bbox, got none');
      area = box[2] * box[3];
    }
    this.detections.add({
      imageId,
      categoryId: record.category_id,
      score: record.score,
      area,
      mask,
      box: iouType === 'bbox' ? box : undefined,
      keypoints: iouType === 'keypoints' ? (keypoints ?? []) : undefined,
    });
  }

  /**
   * Builds the detections of all results so far.
   *
   * @param source names of the files, for errors
   */
  build(source?: string): CocoResults {
    const { kind, hasBoxAndMask, numUnknownImages } = this;
    return { detections: this.detections.build(source), kind, hasBoxAndMask, numUnknownImages };
  }

  /** Mask of a record, or of its box; compressed masks stay compressed if masks are compared. */
  private maskOf({ image_id, bbox, segmentation }: ReadResult, image: number): Rle | CompressedRle {
    const { domain, kind } = this;
    const { iouType, wantsMask } = this.options;
    const [height, width] = [domain.imageHeights[image], domain.imageWidths[image]];
    if (segmentation && ('counts' in segmentation || segmentation.length > 0)) {
      const isWanted = wantsMask?.(image_id) ?? true;
      if (iouType === 'segm' && 'counts' in segmentation) {
        const { size, counts } = segmentation;
        if (typeof counts === 'string' || 'bytes' in counts)
          return { height: size[0], width: size[1], counts: isWanted ? counts : '' };
      }
      return rleOfSegmentation(segmentation, height, width);
    }
    if (kind !== 'bbox' || segmentation !== undefined || !bbox?.length)
      throw new ResultsError('expected a segmentation, got none');
    assertImageSize(height, width);
    return rleFromBox([bbox[0], bbox[1], bbox[2], bbox[3]], height, width);
  }
}
