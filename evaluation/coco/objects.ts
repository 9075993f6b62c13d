import { assertObject } from '../../core/arguments.js';
import type { CocoDomain, CompressedRle, GroundTruthObject } from '../../core/coco.js';
import { Column } from '../../core/column.js';
import { DataError } from '../../core/errors.js';
import type { Rle } from '../../core/rle.js';
import { MaskPoolBuilder, type MaskPool } from './mask-pool.js';

/** Ground truth in file order, as flat arrays of `N` objects. */
export interface CocoGroundTruth extends CocoDomain {
  /** Name of the file, for errors. */
  readonly source?: string | undefined;
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
  /** `[N]`, 0 or 1: a crowd of many objects that absorbs detections. */
  readonly isCrowd: Uint8Array;
  /** `[N]`, 0 or 1: the file's `ignore` flag, which the reference does not use. */
  readonly ignoreFlags: Uint8Array;
  /** `N` masks; only needed to compare masks. */
  readonly masks?: MaskPool | undefined;
  /** `[N, 3P]` x, y, visibility; only needed to compare keypoints. */
  readonly keypoints?: Float64Array | undefined;
  /** `[N]`, number of labeled keypoints, visible or hidden; only needed to compare keypoints. */
  readonly numKeypoints?: Float64Array | undefined;
}

/** @throws InputError unless a value has a field of ground truth */
export function assertBuilt(
  where: string,
  value: unknown,
  field: keyof CocoGroundTruth = 'categories',
): void {
  assertObject(where, 'ground truth that CocoGroundTruthBuilder built', value, field);
}

/** Detections in file order, as flat arrays of `D` detections. */
export interface CocoDetections {
  /** Names of the files, for errors. */
  readonly source?: string | undefined;
  /** `[D]`. */
  readonly imageOf: Float64Array;
  /** `[D]`. */
  readonly categoryOf: Float64Array;
  /** `[D]`, finite; only the order matters. */
  readonly scores: Float64Array;
  /** `[D]`; default 1 … D. */
  readonly ids?: Float64Array | undefined;
  /** `[D]`, square pixels; default: areas of the masks. */
  readonly areas?: Float64Array | undefined;
  /** `[D, 4]` x, y, width, height, pixels; only needed to compare boxes. */
  readonly boxes?: Float64Array | undefined;
  /** `D` masks; only needed to compare masks. */
  readonly masks?: MaskPool | undefined;
  /** `[D, 3P]` x, y, anything; only needed to compare keypoints. */
  readonly keypoints?: Float64Array | undefined;
}

/** Collects ground truth object by object. */
export class CocoGroundTruthBuilder {
  private readonly numbers = Array.from({ length: 6 }, () => new Column());
  private readonly boxes = new Column();
  private readonly keypoints = new Column();
  private readonly numKeypoints = new Column();
  private readonly masks = new MaskPoolBuilder();

  constructor(private readonly domain: CocoDomain) {}

  /** Adds an object. */
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
      let numLabeled = 0;
      for (let i = 0; i < object.keypoints.length; i++) {
        this.keypoints.push(object.keypoints[i]);
        if (i % 3 === 2 && object.keypoints[i] > 0) numLabeled++;
      }
      this.numKeypoints.push(object.numKeypoints ?? numLabeled);
    }
  }

  /**
   * @param source name of the file, for errors
   * @throws DataError if only some of the objects have a mask or keypoints
   */
  build(source?: string): CocoGroundTruth {
    const [ids, images, categories, areas, crowds, ignores] = this.numbers;
    const count = ids.length;
    const hasKeypoints = isOfAll('keypoints', this.numKeypoints.length, count);
    return {
      ...this.domain,
      source,
      ids: ids.view(),
      imageOf: images.view(),
      categoryOf: categories.view(),
      boxes: this.boxes.view(),
      areas: areas.view(),
      isCrowd: crowds.to(Uint8Array),
      ignoreFlags: ignores.to(Uint8Array),
      masks: isOfAll('masks', this.masks.length, count) ? this.masks.build() : undefined,
      keypoints: hasKeypoints ? this.keypoints.view() : undefined,
      numKeypoints: hasKeypoints ? this.numKeypoints.view() : undefined,
    };
  }
}

/** One detection, for `CocoDetectionsBuilder`. */
interface Detection {
  readonly imageId: number;
  readonly categoryId: number;
  readonly score: number;
  readonly id?: number | undefined;
  /** Square pixels; default: area of the mask, or else of the box. */
  readonly area?: number | undefined;
  /** `[4]` x, y, width, height, pixels. */
  readonly box?: ArrayLike<number> | undefined;
  readonly mask?: Rle | CompressedRle | undefined;
  /** `[3P]` x, y, anything. */
  readonly keypoints?: ArrayLike<number> | undefined;
}

/** Collects detections one by one. */
export class CocoDetectionsBuilder {
  private readonly images = new Column();
  private readonly categories = new Column();
  private readonly scores = new Column();
  private readonly ids = new Column();
  private readonly areas = new Column();
  private readonly boxes = new Column();
  private readonly keypoints = new Column();
  private numWithKeypoints = 0;
  private readonly masks: MaskPoolBuilder;

  /** @param isShared whether other threads read the masks, too */
  constructor(isShared = false) {
    this.masks = new MaskPoolBuilder(isShared);
  }

  get length(): number {
    return this.scores.length;
  }

  /** Adds a detection. */
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

  /**
   * @param source names of the files, for errors
   * @throws DataError if only some of the detections have an id, area, box, mask or keypoints
   */
  build(source?: string): CocoDetections {
    const { ids, areas, boxes, masks, keypoints, length: count } = this;
    return {
      source,
      imageOf: this.images.view(),
      categoryOf: this.categories.view(),
      scores: this.scores.view(),
      ids: isOfAll('ids', ids.length, count) && count > 0 ? ids.view() : undefined,
      areas: isOfAll('areas', areas.length, count) ? areas.view() : undefined,
      boxes: isOfAll('boxes', boxes.length / 4, count) ? boxes.view() : undefined,
      masks: isOfAll('masks', masks.length, count) ? masks.build() : undefined,
      keypoints: isOfAll('keypoints', this.numWithKeypoints, count) ? keypoints.view() : undefined,
    };
  }
}

/** Whether all objects have a field. @throws DataError if only some have */
function isOfAll(what: string, count: number, all: number): boolean {
  if (count !== 0 && count !== all)
    throw new DataError(`coco: expected ${what} for all ${all} objects or for none, got ${count}`);
  return count === all;
}

/** Similarity (IoU or OKS) of the detections and the ground truth of a cell. */
export interface Similarity {
  /**
   * Writes the `[D, G]` similarities of a cell.
   *
   * @param dts `[D]` positions of detections
   * @param gts `[G]` positions of ground truth
   * @param out room for `D · G` numbers
   */
  fill(dts: Uint32Array, gts: Uint32Array, out: Float64Array): void;
  /** Area of detection `d` in square pixels. */
  area(d: number): number;
}
