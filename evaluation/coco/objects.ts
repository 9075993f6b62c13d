import { DataError } from '../../core/errors.js';
import type { Rle } from '../../core/rle.js';
import { GrowingNumbers } from '../growing-array.js';
import { MaskPoolBuilder, type MaskPool } from './mask-pool.js';

/** What detections are compared by: boxes, masks or keypoints. */
export type IouType = 'bbox' | 'segm' | 'keypoints';

/** The images and categories of a data set. */
export interface CocoDomain {
  /** `[I]`, in file order. */
  readonly imageIds: Float64Array;
  /** `[I]`, pixels; 0 where the file does not say. */
  readonly imageHeights: Float64Array;
  /** `[I]`, pixels; 0 where the file does not say. */
  readonly imageWidths: Float64Array;
  readonly categories: readonly CocoCategory[];
}

export interface CocoCategory {
  readonly id: number;
  readonly name: string;
}

/** The objects to be found, in file order, as flat arrays of `N` objects. */
export interface CocoGroundTruth extends CocoDomain {
  /** The file it was read from, named in errors. */
  readonly source?: string;
  /** `[N]`, unique. */
  readonly ids: Float64Array;
  /** `[N]`. */
  readonly imageOf: Float64Array;
  /** `[N]`. */
  readonly categoryOf: Float64Array;
  /** `[N, 4]` x, y, width, height, pixels. */
  readonly boxes: Float64Array;
  /** `[N]`, square pixels, as annotated. */
  readonly areas: Float64Array;
  /** `[N]`, 0 or 1: a region of many objects that absorbs detections. */
  readonly isCrowd: Uint8Array;
  /** `[N]`, 0 or 1: the `ignore` flag of the file, which the reference does not honour. */
  readonly ignoreFlags: Uint8Array;
  /** `N` masks; only needed to compare masks. */
  readonly masks?: MaskPool;
  /** `[N, 3P]` x, y, visibility; only needed to compare keypoints. */
  readonly keypoints?: Float64Array;
  /** `[N]`, visible or hidden but labelled; only needed to compare keypoints. */
  readonly numKeypoints?: Float64Array;
}

/** Detections in file order, as flat arrays of `D` detections. */
export interface CocoDetections {
  /** The files they were read from, named in errors. */
  readonly source?: string;
  /** `[D]`. */
  readonly imageOf: Float64Array;
  /** `[D]`. */
  readonly categoryOf: Float64Array;
  /** `[D]`, finite; only their order counts. */
  readonly scores: Float64Array;
  /** `[D]`; 1 … D where left out. */
  readonly ids?: Float64Array;
  /** `[D]`, square pixels; those of the masks where left out. */
  readonly areas?: Float64Array;
  /** `[D, 4]` x, y, width, height, pixels; only needed to compare boxes. */
  readonly boxes?: Float64Array;
  /** `D` masks; only needed to compare masks. */
  readonly masks?: MaskPool;
  /** `[D, 3P]` x, y, anything; only needed to compare keypoints. */
  readonly keypoints?: Float64Array;
}

/** One object to be found, for `CocoGroundTruthBuilder`. */
export interface GroundTruthObject {
  readonly id: number;
  readonly imageId: number;
  readonly categoryId: number;
  /** `[4]` x, y, width, height, pixels. */
  readonly box: ArrayLike<number>;
  /** Square pixels. */
  readonly area: number;
  readonly isCrowd?: boolean | undefined;
  readonly ignore?: boolean | undefined;
  readonly mask?: Rle | undefined;
  /** `[3P]` x, y, visibility. */
  readonly keypoints?: ArrayLike<number> | undefined;
  /** Those that are labelled; counted where left out. */
  readonly numKeypoints?: number | undefined;
}

/** Collects ground truth object by object. */
export class CocoGroundTruthBuilder {
  private readonly numbers = Array.from({ length: 6 }, () => new GrowingNumbers());
  private readonly boxes = new GrowingNumbers();
  private readonly keypoints = new GrowingNumbers();
  private readonly numKeypoints = new GrowingNumbers();
  readonly masks: MaskPoolBuilder;

  /** @param text bytes that ranges added to `masks` point into */
  constructor(
    private readonly domain: CocoDomain,
    text?: Uint8Array,
  ) {
    this.masks = new MaskPoolBuilder(text);
  }

  /** Adds an object. Its mask may have been added to `masks` directly just before. */
  add(object: GroundTruthObject): void {
    const [ids, images, categories, areas, crowds, ignores] = this.numbers;
    ids.push(object.id);
    images.push(object.imageId);
    categories.push(object.categoryId);
    areas.push(object.area);
    crowds.push(object.isCrowd ? 1 : 0);
    ignores.push(object.ignore ? 1 : 0);
    for (let i = 0; i < 4; i++) this.boxes.push(object.box[i]);
    if (object.mask) this.masks.add(object.mask);
    if (object.keypoints) {
      let numLabelled = 0;
      for (let i = 0; i < object.keypoints.length; i++) {
        this.keypoints.push(object.keypoints[i]);
        if (i % 3 === 2 && object.keypoints[i] > 0) numLabelled++;
      }
      this.numKeypoints.push(object.numKeypoints ?? numLabelled);
    }
  }

  /** @throws DataError if only some of the objects have a mask or keypoints */
  build(): CocoGroundTruth {
    const [ids, images, categories, areas, crowds, ignores] = this.numbers;
    const count = ids.length;
    assertAllOrNone('masks', this.masks.length, count);
    assertAllOrNone('keypoints', this.numKeypoints.length, count);
    return {
      ...this.domain,
      ids: ids.view(),
      imageOf: images.view(),
      categoryOf: categories.view(),
      boxes: this.boxes.view(),
      areas: areas.view(),
      isCrowd: Uint8Array.from(crowds.view()),
      ignoreFlags: Uint8Array.from(ignores.view()),
      ...(this.masks.length === count ? { masks: this.masks.build() } : {}),
      ...(this.numKeypoints.length === count
        ? { keypoints: this.keypoints.view(), numKeypoints: this.numKeypoints.view() }
        : {}),
    };
  }
}

/** One detection, for `CocoDetectionsBuilder`. */
export interface Detection {
  readonly imageId: number;
  readonly categoryId: number;
  readonly score: number;
  readonly id?: number | undefined;
  /** Square pixels; the area of the mask, or else of the box, where left out. */
  readonly area?: number | undefined;
  /** `[4]` x, y, width, height, pixels. */
  readonly box?: ArrayLike<number> | undefined;
  readonly mask?: Rle | undefined;
  /** `[3P]` x, y, anything. */
  readonly keypoints?: ArrayLike<number> | undefined;
}

/** Collects detections one by one. */
export class CocoDetectionsBuilder {
  private readonly images = new GrowingNumbers();
  private readonly categories = new GrowingNumbers();
  private readonly scores = new GrowingNumbers();
  private readonly ids = new GrowingNumbers();
  private readonly areas = new GrowingNumbers();
  private readonly boxes = new GrowingNumbers();
  private readonly keypoints = new GrowingNumbers();
  private numWithKeypoints = 0;
  readonly masks: MaskPoolBuilder;

  /** @param text bytes that ranges added to `masks` point into */
  constructor(text?: Uint8Array) {
    this.masks = new MaskPoolBuilder(text);
  }

  get length(): number {
    return this.scores.length;
  }

  /** Adds a detection. Its mask may have been added to `masks` directly just before. */
  add(detection: Detection): void {
    this.images.push(detection.imageId);
    this.categories.push(detection.categoryId);
    this.scores.push(detection.score);
    if (detection.id !== undefined) this.ids.push(detection.id);
    const { box, keypoints } = detection;
    if (box) for (let i = 0; i < 4; i++) this.boxes.push(box[i]);
    if (detection.mask) this.masks.add(detection.mask);
    if (keypoints) {
      for (let i = 0; i < keypoints.length; i++) this.keypoints.push(keypoints[i]);
      this.numWithKeypoints++;
    }
    const hasMask = this.masks.length === this.scores.length;
    const area = detection.area ?? (hasMask || !box ? undefined : box[2] * box[3]);
    if (area !== undefined) this.areas.push(area);
  }

  /** @throws DataError if only some of the detections have an id, area, box, mask or keypoints */
  build(): CocoDetections {
    const count = this.length;
    assertAllOrNone('ids', this.ids.length, count);
    assertAllOrNone('areas', this.areas.length, count);
    assertAllOrNone('boxes', this.boxes.length / 4, count);
    assertAllOrNone('masks', this.masks.length, count);
    assertAllOrNone('keypoints', this.numWithKeypoints, count);
    return {
      imageOf: this.images.view(),
      categoryOf: this.categories.view(),
      scores: this.scores.view(),
      ...(this.ids.length === count && count > 0 ? { ids: this.ids.view() } : {}),
      ...(this.areas.length === count ? { areas: this.areas.view() } : {}),
      ...(this.boxes.length === 4 * count ? { boxes: this.boxes.view() } : {}),
      ...(this.masks.length === count ? { masks: this.masks.build() } : {}),
      ...(this.numWithKeypoints === count ? { keypoints: this.keypoints.view() } : {}),
    };
  }
}

function assertAllOrNone(what: string, count: number, all: number): void {
  if (count !== 0 && count !== all)
    throw new DataError(`coco: expected ${what} for all ${all} objects or for none, got ${count}`);
}
