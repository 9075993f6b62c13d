import { extentOf } from '../../core/boxes.js';
import { rleFromText, type RleRecord } from '../../core/coco.js';
import { Column } from '../../core/column.js';
import { DataError, quote } from '../../core/errors.js';
import { rleArea, rleBox, rleFromCounts, type Rle } from '../../core/rle.js';
import { rleFromString } from '../../core/rle-string.js';
import { placeOf, type CocoIssue, type Place, type Report } from './issues.js';
import { MaskStore } from './mask-store.js';
import { NUMBER_FIELDS, type RecordScan } from './record-scan.js';

/** Annotations of a file in file order, with the values of the file. */
export interface CocoAnnotations {
  /** `[A]`, positions in the file's `annotations`; positions of invalid records are missing. */
  readonly positions: Uint32Array;
  /** `[A]`. */
  readonly ids: Float64Array;
  /** `[A]`. */
  readonly imageIds: Float64Array;
  /** `[A]`. */
  readonly categoryIds: Float64Array;
  /** `[A, 4]`: x, y, width, height in pixels. */
  readonly boxes: Float64Array;
  /** `[A]`, px²; if missing in the file, that of the mask, or else of the box. */
  readonly areas: Float64Array;
  /** `[A]`, 0 or 1. */
  readonly crowds: Uint8Array;
  /** `[A]`, 0 or 1. */
  readonly ignores: Uint8Array;
  /** `[A]`; all "none" if the masks were not kept. */
  readonly masks: MaskStore;
  /** `[A, 4]`: bounding box x1, y1, x2, y2 of the mask in pixels, NaN without mask. */
  readonly maskExtents: Float32Array;
  /** `[A, 2]`: height and width of a run-length mask, 0 without one. */
  readonly maskSizes: Int32Array;
  /** `[A]`, number of values in `keypoints`. */
  readonly keypointLengths: Int32Array;
  /** x, y, visibility of all keypoints, concatenated; empty if they were not kept. */
  readonly keypoints: Float64Array;
  /** `[A]`, `num_keypoints`, NaN if missing. */
  readonly numKeypoints: Float64Array;
}

/** Options: parts of annotations to keep. */
interface KeepOptions {
  /** Whether to keep polygons of fewer than three points; otherwise they are reported and dropped. */
  readonly masks: boolean | 'asWritten';
  readonly keypoints: boolean;
  /** Selects the images whose masks are kept, if any are; default: all. */
  readonly wantsMask?: ((imageId: number) => boolean) | undefined;
}

type Polygons = readonly (readonly number[])[];

/** An entry of `annotations` that matches its schema. */
interface AnnotationRecord {
  readonly id: number;
  readonly image_id: number;
  readonly category_id: number;
  readonly bbox?: readonly number[];
  readonly area?: number | null;
  readonly iscrowd?: 0 | 1 | boolean;
  readonly ignore?: 0 | 1 | boolean;
  readonly segmentation?: RleRecord | Polygons | readonly number[] | null;
  readonly keypoints?: readonly number[];
  readonly num_keypoints?: number;
}

/** Place of the record at a position. */
type PlaceAt = (position: number, id: number) => Place;

/** Places of the annotations of a COCO file. */
export const annotationIn =
  (file: string): PlaceAt =>
  (position, id) => ({ file, where: placeOf('annotations', position, id) });

type Issue = (code: CocoIssue['code'], message: string) => void;

/** Builder of columns: checks annotation records individually and stores them. */
export class AnnotationColumns {
  private readonly positions = new Column();
  private readonly ids = new Column();
  private readonly imageIds = new Column();
  private readonly categoryIds = new Column();
  private readonly boxes = new Column();
  private readonly areas = new Column();
  private readonly crowds = new Column();
  private readonly ignores = new Column();
  private readonly masks = new MaskStore();
  private readonly extents = new Column();
  private readonly sizes = new Column();
  private readonly keypointLengths = new Column();
  private readonly keypoints = new Column();
  private readonly numKeypoints = new Column();

  constructor(
    private readonly placeAt: PlaceAt,
    private readonly report: Report,
    private readonly keep: KeepOptions,
  ) {}

  /** Stores a record that matches the schema. */
  add(record: unknown, position: number): void {
    const annotation = record as AnnotationRecord;
    const { id, bbox = [] } = annotation;
    const row = this.ids.length;
    const issue: Issue = (code, message) => {
      const { file, where } = this.placeAt(position, id);
      this.report({ code, file, message: `${where}: ${message}`, id, row });
    };
    this.positions.push(position);
    this.ids.push(id);
    this.imageIds.push(annotation.image_id);
    this.categoryIds.push(annotation.category_id);
    for (let i = 0; i < 4; i++) this.boxes.push(bbox.length === 4 ? bbox[i] : 0);
    this.crowds.push(annotation.iscrowd ? 1 : 0);
    this.ignores.push(annotation.ignore ? 1 : 0);
    const maskArea = this.addMask(annotation, issue);
    // Missing, or null.
    if (typeof annotation.area !== 'number') issue('areaMissing', 'expected "area", got none');
    this.areas.push(annotation.area ?? maskArea ?? bbox[2] * bbox[3]);
    this.addKeypoints(annotation, issue);
  }

  /**
   * Stores a record that was read directly and has an area.
   *
   * @returns false, without a trace, if there would be something to report
   */
  addScanned(scan: RecordScan, position: number): boolean {
    const { numbers, segmentation, polygonEnds } = scan;
    const isCrowd = numbers[NUMBER_FIELDS.iscrowd] === 1;
    const hasPolygons = segmentation === 'polygons' && polygonEnds.length > 0;
    if (hasPolygons && (isCrowd || !arePolygons(polygonEnds))) return false;
    const rle = segmentation === 'runs' ? scannedRle(scan) : undefined;
    if (segmentation === 'runs' && !rle) return false;
    this.positions.push(position);
    this.ids.push(numbers[NUMBER_FIELDS.id]);
    this.imageIds.push(numbers[NUMBER_FIELDS.image_id]);
    this.categoryIds.push(numbers[NUMBER_FIELDS.category_id]);
    for (let i = 0; i < 4; i++) this.boxes.push(scan.hasBox ? scan.box[i] : 0);
    this.crowds.push(isCrowd ? 1 : 0);
    this.ignores.push(numbers[NUMBER_FIELDS.ignore] === 1 ? 1 : 0);
    this.areas.push(numbers[NUMBER_FIELDS.area]);
    this.sizes.push(rle?.height ?? 0);
    this.sizes.push(rle?.width ?? 0);
    if (rle) this.addRuns(rle);
    else if (hasPolygons) this.addScannedPolygons(scan);
    else this.addNoMask();
    this.keypointLengths.push(0);
    this.numKeypoints.push(numbers[NUMBER_FIELDS.num_keypoints]);
    return true;
  }

  private addScannedPolygons({ coordinates, polygonEnds }: RecordScan): void {
    for (const value of extentOf([coordinates.view()])) this.extents.push(value);
    if (this.keepsMask()) this.masks.addFlatPolygons(coordinates, polygonEnds);
    else this.masks.addNone();
  }

  /** Returns the columns, which the builder forgets. */
  finish(): CocoAnnotations {
    this.masks.shrink();
    return {
      positions: this.positions.take(Uint32Array),
      ids: this.ids.take(Float64Array),
      imageIds: this.imageIds.take(Float64Array),
      categoryIds: this.categoryIds.take(Float64Array),
      boxes: this.boxes.take(Float64Array),
      areas: this.areas.take(Float64Array),
      crowds: this.crowds.take(Uint8Array),
      ignores: this.ignores.take(Uint8Array),
      masks: this.masks,
      maskExtents: this.extents.take(Float32Array),
      maskSizes: this.sizes.take(Int32Array),
      keypointLengths: this.keypointLengths.take(Int32Array),
      keypoints: this.keypoints.take(Float64Array),
      numKeypoints: this.numKeypoints.take(Float64Array),
    };
  }

  /** @returns the area of the mask in px², undefined without mask */
  private addMask(
    { segmentation, iscrowd, bbox }: AnnotationRecord,
    issue: Issue,
  ): number | undefined {
    if (segmentation && 'counts' in segmentation) return this.addRle(segmentation, issue);
    const asWritten = this.keep.masks === 'asWritten';
    const listed = asWritten ? polygonsOf(segmentation) : this.withBoxes(segmentation, bbox, issue);
    const polygons = listed.filter((polygon, p) => {
      if (asWritten) return true;
      if (polygon.length % 2 !== 0)
        issue(
          'polygon',
          `segmentation/${p}: expected pairs of coordinates, got ${polygon.length} numbers`,
        );
      else if (polygon.length < 6)
        issue(
          'polygonShort',
          `segmentation/${p}: expected at least 3 points, got ${polygon.length / 2}`,
        );
      return polygon.length % 2 === 0 && polygon.length >= 6;
    });
    this.sizes.push(0);
    this.sizes.push(0);
    if (polygons.length === 0) {
      this.addNoMask();
      return undefined;
    }
    if (iscrowd)
      issue('crowdPolygons', `expected run lengths of a crowd, got ${polygons.length} polygons`);
    for (const value of extentOf(polygons)) this.extents.push(value);
    if (this.keepsMask()) this.masks.addPolygons(polygons);
    else this.masks.addNone();
    return polygonsArea(polygons);
  }

  /** Polygons with those of four numbers, which are boxes as in the reference, as their corners. */
  private withBoxes(
    segmentation: AnnotationRecord['segmentation'],
    bbox: readonly number[] | undefined,
    issue: Issue,
  ): Polygons {
    const polygons = polygonsOf(segmentation);
    if (polygons.length === 0 || !polygons.every(({ length }) => length === 4)) return polygons;
    issue('segmentationBox', `segmentation: expected polygons, got [${polygons[0].join(', ')}]`);
    return polygons.map((numbers) => boxOutline(numbers, bbox));
  }

  private addRle(raw: RleRecord, issue: Issue): number | undefined {
    const [height, width] = raw.size;
    this.sizes.push(height);
    this.sizes.push(width);
    let rle: Rle;
    try {
      rle =
        typeof raw.counts === 'string'
          ? rleFromString(raw.counts, height, width)
          : rleFromCounts(raw.counts, height, width);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      issue('rleRuns', `segmentation/counts: ${error.message.replace(/^\w+: /, '')}`);
      this.addNoMask();
      return undefined;
    }
    const area = rleArea(rle);
    if (area === 0) issue('maskEmpty', 'segmentation: expected a mask with pixels, got none');
    this.addRuns(rle);
    return area;
  }

  private addRuns(rle: Rle): void {
    const [x, y, w, h] = rleBox(rle);
    const isEmpty = rleArea(rle) === 0;
    for (const value of isEmpty ? NO_EXTENT : [x, y, x + w, y + h]) this.extents.push(value);
    if (this.keepsMask()) this.masks.addRle(rle);
    else this.masks.addNone();
  }

  /** Whether the mask of the annotation at hand is kept. */
  private keepsMask(): boolean {
    const { masks, wantsMask } = this.keep;
    return masks !== false && (wantsMask?.(this.imageIds.at(this.imageIds.length - 1)) ?? true);
  }

  private addNoMask(): void {
    for (const value of NO_EXTENT) this.extents.push(value);
    this.masks.addNone();
  }

  private addKeypoints(
    { keypoints, num_keypoints: numKeypoints }: AnnotationRecord,
    issue: Issue,
  ): void {
    this.keypointLengths.push(keypoints?.length ?? 0);
    this.numKeypoints.push(numKeypoints ?? NaN);
    if (!keypoints) return;
    if (this.keep.keypoints) for (const value of keypoints) this.keypoints.push(value);
    let labeled = 0;
    for (let i = 2; i < keypoints.length; i += 3) {
      if (![0, 1, 2].includes(keypoints[i]))
        issue(
          'keypoints',
          `keypoints/${i}: expected a visibility of 0, 1 or 2, got ${keypoints[i]}`,
        );
      if (keypoints[i] > 0) labeled++;
    }
    if (labeled !== numKeypoints)
      issue(
        'keypoints',
        `num_keypoints: expected ${labeled} (visibility > 0), got ${quote(numKeypoints)}`,
      );
  }
}

/** Decodes the mask of a record. @returns undefined if it is malformed or has no pixels */
function scannedRle({ runs: { size, counts } }: RecordScan): Rle | undefined {
  try {
    const rle = rleFromText(counts, size[0], size[1]);
    return rleArea(rle) > 0 ? rle : undefined;
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return undefined;
  }
}

/** Whether every polygon has at least three points and whole pairs of coordinates. */
function arePolygons(ends: readonly number[]): boolean {
  return ends.every((end, p) => {
    const length = end - (p > 0 ? ends[p - 1] : 0);
    return length >= 6 && length % 2 === 0;
  });
}

const NO_EXTENT: readonly number[] = [NaN, NaN, NaN, NaN];

/** Polygons of a segmentation; a flat list is one polygon. */
function polygonsOf(segmentation: AnnotationRecord['segmentation']): Polygons {
  if (!segmentation || 'counts' in segmentation) return [];
  return typeof segmentation[0] === 'number'
    ? [segmentation as readonly number[]]
    : (segmentation as Polygons);
}

/**
 * Corners of a segmentation of four numbers: x, y, width and height as in the reference, or two opposite corners where
 * these are closer to the box of the annotation.
 */
function boxOutline(numbers: readonly number[], bbox?: readonly number[]): readonly number[] {
  const [x, y, c, d] = numbers;
  const distance = (width: number, height: number): number =>
    Math.abs(width - (bbox?.[2] ?? c)) + Math.abs(height - (bbox?.[3] ?? d));
  const isCorners = distance(c - x, d - y) < distance(c, d);
  const [x2, y2] = isCorners ? [c, d] : [x + c, y + d];
  return [x, y, x2, y, x2, y2, x, y2];
}

/**
 * Area in px² of a segmentation that was not checked, for annotations without an area.
 *
 * @returns undefined without a mask that can be read
 */
export function areaOfSegmentation(segmentation: unknown): number | undefined {
  if (typeof segmentation !== 'object' || segmentation === null) return undefined;
  try {
    if ('counts' in segmentation) {
      const { counts, size } = segmentation as RleRecord;
      return rleArea(
        typeof counts === 'string'
          ? rleFromString(counts, size[0], size[1])
          : rleFromCounts(counts, size[0], size[1]),
      );
    }
    const area = polygonsArea(polygonsOf(segmentation as Polygons));
    return area > 0 ? area : undefined;
  } catch {
    return undefined; // then that of the box is used
  }
}

function polygonsArea(polygons: Polygons): number {
  return polygons.reduce((sum, polygon) => {
    if (polygon.length === 4) return sum + Math.abs(polygon[2] * polygon[3]);
    return sum + (polygon.length % 2 === 0 ? shoelaceArea(polygon) : 0);
  }, 0);
}

/** Area of a closed polygon, `|Σ x_i·y_{i+1} − x_{i+1}·y_i| / 2`. */
function shoelaceArea(polygon: readonly number[]): number {
  let twice = 0;
  for (let i = 0; i < polygon.length; i += 2) {
    const next = (i + 2) % polygon.length;
    twice += polygon[i] * polygon[next + 1] - polygon[next] * polygon[i + 1];
  }
  return Math.abs(twice) / 2;
}
