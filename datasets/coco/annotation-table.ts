import { DataError } from '../../core/errors.js';
import { rleArea, rleBox, rleFromCounts, type Rle } from '../../core/rle.js';
import { rleFromString } from '../../core/rle-string.js';
import { compileSchema, type SchemaCheck } from '../../io/schema.js';
import type { ProblemKind, ProblemLog } from '../problems.js';
import { Column } from './column.js';
import { MaskStore } from './mask-store.js';
import { COCO_PROBLEMS as PROBLEMS } from './problem-kinds.js';
import { INSTANCE_SCHEMA, KEYPOINTS_SCHEMA } from './schemas.js';

/** The annotations of a file, in its order, as they stand there. */
export interface CocoAnnotations {
  /** `[A]`, positions in the file's `annotations`; they leave gaps where records are broken. */
  readonly positions: Uint32Array;
  /** `[A]`. */
  readonly ids: Float64Array;
  /** `[A]`. */
  readonly imageIds: Float64Array;
  /** `[A]`. */
  readonly categoryIds: Float64Array;
  /** `[A, 4]`: x, y, width, height in pixels. */
  readonly boxes: Float64Array;
  /** `[A]`, px²; where the file has none, that of the mask, or else of the box. */
  readonly areas: Float64Array;
  /** `[A]`, 0 or 1. */
  readonly crowds: Uint8Array;
  /** `[A]`, 0 or 1. */
  readonly ignores: Uint8Array;
  /** `[A]`; all "none" if the masks were not kept. */
  readonly masks: MaskStore;
  /** `[A, 4]`: x1, y1, x2, y2 around the mask in pixels, NaN where there is none. */
  readonly maskExtents: Float32Array;
  /** `[A, 2]`: height and width of a run-length mask, 0 where there is none. */
  readonly maskSizes: Int32Array;
  /** `[A]`, numbers in `keypoints`. */
  readonly keypointLengths: Int32Array;
}

interface RawRle {
  readonly size: readonly [number, number];
  readonly counts: readonly number[] | string;
}

type Polygons = readonly (readonly number[])[];

interface RawAnnotation {
  readonly id: number;
  readonly image_id: number;
  readonly category_id: number;
  readonly bbox: readonly [number, number, number, number];
  readonly area?: number;
  readonly iscrowd?: 0 | 1 | boolean;
  readonly ignore?: 0 | 1 | boolean;
  readonly segmentation?: RawRle | Polygons | null;
  readonly keypoints?: readonly number[];
  readonly num_keypoints?: number;
}

/** Takes annotation records one by one, checks what can be seen from one alone, and stores them as columns. */
export class AnnotationTable {
  private readonly instances = compileSchema(INSTANCE_SCHEMA);
  private readonly keypoints = compileSchema(KEYPOINTS_SCHEMA);
  private readonly positions = new Column((n) => new Uint32Array(n));
  private readonly ids = new Column((n) => new Float64Array(n));
  private readonly imageIds = new Column((n) => new Float64Array(n));
  private readonly categoryIds = new Column((n) => new Float64Array(n));
  private readonly boxes = new Column((n) => new Float64Array(n));
  private readonly areas = new Column((n) => new Float64Array(n));
  private readonly crowds = new Column((n) => new Uint8Array(n));
  private readonly ignores = new Column((n) => new Uint8Array(n));
  private readonly masks = new MaskStore();
  private readonly extents = new Column((n) => new Float32Array(n));
  private readonly sizes = new Column((n) => new Int32Array(n));
  private readonly keypointLengths = new Column((n) => new Int32Array(n));

  constructor(
    private readonly file: string,
    private readonly log: ProblemLog,
    private readonly keepMasks: boolean,
  ) {}

  /** Checks a record against the schema of instances, or of keypoints if it has some. */
  readonly check: SchemaCheck = (record) => {
    const hasKeypoints = typeof record === 'object' && record !== null && 'keypoints' in record;
    return hasKeypoints ? this.keypoints(record) : this.instances(record);
  };

  /** Stores a record that fits the schema. */
  add(record: unknown, position: number): void {
    const annotation = record as RawAnnotation;
    const { id } = annotation;
    const row = { table: 'annotations', index: this.ids.length } as const;
    const report = (kind: ProblemKind, message: string): void => {
      const where = placeOf('annotations', position, id);
      this.log.add(kind, { file: this.file, message: `${where}: ${message}`, id, row });
    };
    this.positions.push(position);
    this.ids.push(annotation.id);
    this.imageIds.push(annotation.image_id);
    this.categoryIds.push(annotation.category_id);
    for (let i = 0; i < 4; i++) this.boxes.push(annotation.bbox[i]);
    this.crowds.push(annotation.iscrowd ? 1 : 0);
    this.ignores.push(annotation.ignore ? 1 : 0);
    const maskArea = this.addMask(annotation, report);
    if (annotation.area === undefined) report(PROBLEMS.areaMissing, 'expected "area", got none');
    const [, , width, height] = annotation.bbox;
    this.areas.push(annotation.area ?? maskArea ?? width * height);
    this.addKeypoints(annotation, report);
  }

  finish(): CocoAnnotations {
    return {
      positions: this.positions.finish(),
      ids: this.ids.finish(),
      imageIds: this.imageIds.finish(),
      categoryIds: this.categoryIds.finish(),
      boxes: this.boxes.finish(),
      areas: this.areas.finish(),
      crowds: this.crowds.finish(),
      ignores: this.ignores.finish(),
      masks: this.masks,
      maskExtents: this.extents.finish(),
      maskSizes: this.sizes.finish(),
      keypointLengths: this.keypointLengths.finish(),
    };
  }

  /** @returns the area of the mask in px², nothing if there is none */
  private addMask(
    { segmentation, iscrowd }: RawAnnotation,
    report: (kind: ProblemKind, message: string) => void,
  ): number | undefined {
    if (isRle(segmentation)) return this.addRle(segmentation, report);
    const polygons = (segmentation ?? []).filter((polygon, p) => {
      if (polygon.length % 2 !== 0)
        report(
          PROBLEMS.polygon,
          `segmentation/${p}: expected pairs of coordinates, got ${polygon.length} numbers`,
        );
      else if (polygon.length < 6)
        report(
          PROBLEMS.polygonShort,
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
      report(
        PROBLEMS.crowdPolygons,
        `expected run lengths of a crowd, got ${polygons.length} polygons`,
      );
    for (const value of extentOf(polygons)) this.extents.push(value);
    if (this.keepMasks) this.masks.addPolygons(polygons);
    else this.masks.addNone();
    return polygons.reduce((sum, polygon) => sum + shoelaceArea(polygon), 0);
  }

  private addRle(
    raw: RawRle,
    report: (kind: ProblemKind, message: string) => void,
  ): number | undefined {
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
      report(PROBLEMS.rleRuns, `segmentation/counts: ${error.message.replace(/^\w+: /, '')}`);
      this.addNoMask();
      return undefined;
    }
    const area = rleArea(rle);
    if (area === 0)
      report(PROBLEMS.maskEmpty, 'segmentation: expected a mask with pixels, got none');
    const [x, y, w, h] = rleBox(rle);
    for (const value of area === 0 ? NO_EXTENT : [x, y, x + w, y + h]) this.extents.push(value);
    if (this.keepMasks) this.masks.addRle(rle);
    else this.masks.addNone();
    return area;
  }

  private addNoMask(): void {
    for (const value of NO_EXTENT) this.extents.push(value);
    this.masks.addNone();
  }

  private addKeypoints(
    { keypoints, num_keypoints: numKeypoints }: RawAnnotation,
    report: (kind: ProblemKind, message: string) => void,
  ): void {
    this.keypointLengths.push(keypoints?.length ?? 0);
    if (!keypoints) return;
    let labelled = 0;
    for (let i = 2; i < keypoints.length; i += 3) {
      if (![0, 1, 2].includes(keypoints[i]))
        report(
          PROBLEMS.keypoints,
          `keypoints/${i}: expected a visibility of 0, 1 or 2, got ${keypoints[i]}`,
        );
      if (keypoints[i] > 0) labelled++;
    }
    if (labelled !== numKeypoints)
      report(
        PROBLEMS.keypoints,
        `num_keypoints: expected ${labelled} (visibility > 0), got ${numKeypoints}`,
      );
  }
}

/** `annotations[12] (id 34)`. */
export function placeOf(array: string, position: number, id?: number | string): string {
  return id === undefined ? `${array}[${position}]` : `${array}[${position}] (id ${id})`;
}

const NO_EXTENT: readonly number[] = [NaN, NaN, NaN, NaN];

function isRle(segmentation: RawAnnotation['segmentation']): segmentation is RawRle {
  return typeof segmentation === 'object' && segmentation !== null && 'counts' in segmentation;
}

function extentOf(polygons: Polygons): readonly [number, number, number, number] {
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const polygon of polygons) {
    for (let i = 0; i < polygon.length; i += 2) {
      const [x, y] = [polygon[i], polygon[i + 1]];
      if (x < x1) x1 = x;
      if (x > x2) x2 = x;
      if (y < y1) y1 = y;
      if (y > y2) y2 = y;
    }
  }
  return [x1, y1, x2, y2];
}

/** Area inside a closed outline, `|Σ x_i·y_{i+1} − x_{i+1}·y_i| / 2`. */
function shoelaceArea(polygon: readonly number[]): number {
  let twice = 0;
  for (let i = 0; i < polygon.length; i += 2) {
    const next = (i + 2) % polygon.length;
    twice += polygon[i] * polygon[next + 1] - polygon[next] * polygon[i + 1];
  }
  return Math.abs(twice) / 2;
}
