import { extentOf } from '../../core/boxes.js';
import type { RleRecord } from '../../core/coco.js';
import { Column } from '../../core/column.js';
import { quote } from '../../core/errors.js';
import { nearestWord } from '../../core/nearest-word.js';
import { rleBox, type Rle, type XywhBox } from '../../core/rle.js';
import { AnnotationColumns } from '../../io/coco/annotation-columns.js';
import type { CocoTables } from '../../io/coco/annotations.js';
import type { CocoIssue, Place, Report } from '../../io/coco/issues.js';
import { FileNames } from './file-names.js';

/** Number of unknown classes whose messages list the known ones. */
const MAX_DESCRIBED = 100;

/** Options of a {@link TableBuilder}. */
export interface TableOptions {
  /** The annotation file or folder, for messages about the whole set. */
  readonly file: string;
  readonly report: Report;
  /** Whether to keep masks; default true. */
  readonly masks?: boolean | undefined;
  /** All class names by number; default: those that occur, sorted. */
  readonly names?: readonly string[] | undefined;
  /** Describes the place of an object in its file: `object[3]`, `line 4`. @param position as given with the object */
  readonly where: (position: number, fileName: string) => string;
}

/** An image, and the file with its annotations. */
export interface TableImage {
  /** Path relative to the image folder. */
  readonly fileName: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Default: the file of the set. */
  readonly file?: string | undefined;
}

/** An object with a box or a mask, or both. */
export interface TableObject {
  /** Position in its file, for messages. */
  readonly position: number;
  /** Class by name, or by its number among the given names. */
  readonly label: string | number;
  /** x, y, width, height in pixels; default: the bounding box of the mask. */
  readonly box?: XywhBox | undefined;
  /** Polygons `[x0, y0, …]` in pixels. */
  readonly polygons?: readonly (readonly number[])[] | undefined;
  /** Mask of the image's size, instead of polygons. */
  readonly rle?: Rle | undefined;
  /** Whether it marks a region to be ignored: VOC's "difficult", a group of objects. */
  readonly crowd?: boolean | undefined;
}

/** Builder of the tables of a set from any format: numbers images and annotations from 1, in the order they are added. */
export class TableBuilder {
  private readonly columns: AnnotationColumns;
  private readonly widths = new Column();
  private readonly heights = new Column();
  private readonly fileNames: string[] = [];
  private readonly files = new FileNames();
  /** `[A]`. */
  private readonly imageIds = new Column();
  private readonly labels = new Map<string, number>();
  private readonly unknown = new Map<string, string>();
  private readonly options: TableOptions;
  private numObjects = 0;

  constructor(options: TableOptions) {
    this.options = options;
    const { report, masks = true, names = [] } = options;
    names.forEach((name, k) => this.labels.set(name, k));
    this.columns = new AnnotationColumns(
      (position) => this.placeAt(position, this.fileNames.length),
      (issue) => {
        // Only COCO has areas of its own.
        if (issue.code !== 'areaMissing') report(issue);
      },
      { masks, keypoints: false },
    );
  }

  /** Adds an image, to which the following objects belong. */
  addImage({ fileName, width, height, file }: TableImage): void {
    this.fileNames.push(fileName);
    this.files.add(file ?? this.options.file, fileName);
    this.widths.push(width);
    this.heights.push(height);
  }

  /** Adds an object of the last image; one of an unknown class is reported and left out. */
  addObject({ position, label, box, polygons, rle, crowd = false }: TableObject): void {
    const category = this.numberOf(label);
    if (typeof category === 'string') {
      this.issueAt('unknownCategory', position, category);
      return;
    }
    const id = ++this.numObjects;
    const bbox = box ?? (rle ? rleBox(rle) : boxOfPolygons(polygons ?? []));
    const segmentation = rle ? recordOf(rle) : polygons;
    // The area of a box, unless there is a mask.
    const hasMask = rle !== undefined || (polygons?.length ?? 0) > 0;
    const area = hasMask ? undefined : bbox[2] * bbox[3];
    const ids = { id, image_id: this.fileNames.length, category_id: category + 1 };
    this.imageIds.push(this.fileNames.length);
    this.columns.add({ ...ids, bbox, area, segmentation, iscrowd: crowd }, position);
  }

  /** Reports an issue of the file of the last image. */
  issue(code: CocoIssue['code'], message: string): void {
    const { file } = this.placeAt(0, this.fileNames.length);
    this.options.report({ code, file, message });
  }

  /** Reports an issue of the object at a position of the last image. */
  issueAt(code: CocoIssue['code'], position: number, message: string): void {
    const { file, where } = this.placeAt(position, this.fileNames.length);
    this.options.report({ code, file, message: `${where}: ${message}` });
  }

  /** Returns the tables. Without given names, classes are numbered by name in order of code units. */
  finish(): CocoTables {
    const { file, names } = this.options;
    const annotations = this.columns.finish();
    const sorted = names ?? [...this.labels.keys()].sort();
    const final = new Map(sorted.map((name, k) => [name, k + 1]));
    const idOf = [0, ...[...this.labels.keys()].map((name) => final.get(name) ?? 0)];
    if (!names) annotations.categoryIds.forEach((id, a, ids) => (ids[a] = idOf[id]));
    const count = this.fileNames.length;
    // The tables outlive the builder, whose columns have room to spare.
    const { fileNames, files } = this;
    const { where } = this.options;
    const imageIds = this.imageIds.take(Uint32Array);
    files.finish();
    const fileOf = (id: number): string => files.at(id - 1, fileNames[id - 1]);
    return {
      file,
      images: {
        positions: Uint32Array.from({ length: count }, (_, i) => i),
        ids: Float64Array.from({ length: count }, (_, i) => i + 1),
        widths: this.widths.take(Int32Array),
        heights: this.heights.take(Int32Array),
        fileNames,
      },
      categories: sorted.map((name, k) => ({ id: k + 1, name })),
      annotations,
      places: {
        image: (id) => ({ file: fileOf(id), where: `image ${quote(fileNames[id - 1])}` }),
        annotation: (row) => ({
          file: fileOf(imageIds[row]),
          where: where(annotations.positions[row], fileNames[imageIds[row] - 1]),
        }),
      },
    };
  }

  private placeAt(position: number, imageId: number): Place {
    const where = this.options.where(position, this.fileNames[imageId - 1]);
    return { file: this.files.at(imageId - 1, this.fileNames[imageId - 1]), where };
  }

  /** @returns a message if the class is unknown */
  private numberOf(label: string | number): number | string {
    const { names } = this.options;
    if (typeof label === 'number') {
      const count = names?.length ?? 0;
      if (Number.isInteger(label) && label >= 0 && label < count) return label;
      return `expected a class from 0 to ${count - 1}, got ${label}`;
    }
    const known = this.labels.get(label);
    if (known !== undefined) return known;
    if (names) {
      // Of a list of others every name is unknown, of which the first few say enough.
      if (this.unknown.size >= MAX_DESCRIBED && !this.unknown.has(label))
        return `expected one of the ${names.length} classes, got ${quote(label)}`;
      const message =
        this.unknown.get(label) ??
        `expected one of the classes ${names.join(', ')}, got ${quote(label)}; nearest: ${nearestWord(label, names)}`;
      this.unknown.set(label, message);
      return message;
    }
    this.labels.set(label, this.labels.size);
    return this.labels.size - 1;
  }
}

function recordOf({ height, width, counts }: Rle): RleRecord {
  return { size: [height, width], counts: Array.from(counts) };
}

function boxOfPolygons(polygons: readonly (readonly number[])[]): XywhBox {
  const [x1, y1, x2, y2] = extentOf(polygons);
  return x2 >= x1 ? [x1, y1, x2 - x1, y2 - y1] : [0, 0, 0, 0];
}
