import type { CocoCategory, IouType } from '../../core/coco.js';
import type { RgbImage } from '../../core/image.js';
import { Column } from '../../core/column.js';
import { quote } from '../../core/errors.js';
import { compileSchema, formatProblems, type SchemaCheck } from '../schema.js';
import { AnnotationColumns, annotationIn, type CocoAnnotations } from './annotation-columns.js';
import { placeOf, type CocoIssue, type Place, type RecordPlaces, type Report } from './issues.js';
import { scanCocoFile } from './scan-file.js';
import {
  CATEGORY_SCHEMA,
  COMPARED_SCHEMAS,
  ID_SCHEMA,
  IMAGE_SCHEMA,
  INSTANCE_SCHEMA,
  KEYPOINTS_SCHEMA,
} from './schemas.js';

/** Images of a file in file order. */
export interface CocoImages {
  /** `[N]`, positions in the file's `images`; positions of invalid records are missing. */
  readonly positions: Uint32Array;
  /** `[N]`. */
  readonly ids: Float64Array;
  /** `[N]`, pixels; 0 if missing and optional. */
  readonly widths: Int32Array;
  /** `[N]`, pixels; 0 if missing and optional. */
  readonly heights: Int32Array;
  /** File names as in the file, relative to the image folder. */
  readonly fileNames: readonly string[];
  /** `[N]`, where they are in memory: the pixels. */
  readonly pixels?: readonly RgbImage[] | undefined;
}

/** Content of a file: every record matches the format, but references between records are not checked yet. */
export interface CocoTables {
  readonly file: string;
  readonly images: CocoImages;
  readonly categories: readonly CocoCategory[];
  readonly annotations: CocoAnnotations;
  /** Places of the records; default: by position and id in `file`. */
  readonly places?: RecordPlaces | undefined;
}

/** Returns where an image is listed. @param row of `images` */
export function imagePlace(
  { file, images, places }: Pick<CocoTables, 'file' | 'images' | 'places'>,
  row: number,
): Place {
  const id = images.ids[row];
  return places?.image(id) ?? { file, where: placeOf('images', images.positions[row], id) };
}

/** Returns where an annotation is. @param row of `annotations` */
export function annotationPlace(
  { file, annotations, places }: Pick<CocoTables, 'file' | 'annotations' | 'places'>,
  row: number,
): Place {
  const { ids, positions } = annotations;
  return (
    places?.annotation(row) ?? { file, where: placeOf('annotations', positions[row], ids[row]) }
  );
}

/** Options: parts of a file to keep. */
interface ReadOptions {
  /** Whether to keep masks; default true. Ignored if `compared` is given. */
  readonly masks?: boolean | undefined;
  /**
   * Kind of comparison of the COCO evaluation; only the fields it needs are checked: images need no file name and size,
   * annotations need an area, and polygons are kept unchecked.
   */
  readonly compared?: IouType | undefined;
}

/** Handler of the records of one array. */
interface Table {
  readonly check: SchemaCheck;
  add(record: unknown, position: number): void;
}

/**
 * Reads a COCO annotation file of any size into typed arrays. Invalid records are reported and skipped.
 *
 * @param report called with the issues of individual records
 * @throws DataError if the file cannot be read or its JSON structure is broken
 */
export async function readAnnotations(
  file: string,
  report: Report,
  { masks = true, compared }: ReadOptions = {},
): Promise<CocoTables> {
  const images = new ImageTable(compared ? ID_SCHEMA : IMAGE_SCHEMA);
  const categories = new CategoryTable(compared ? ID_SCHEMA : CATEGORY_SCHEMA);
  const annotations = new AnnotationColumns(annotationIn(file), report, {
    masks: compared === undefined ? masks : compared === 'segm' && 'asWritten',
    keypoints: compared === 'keypoints',
  });
  const tables = new Map<string, Table>([
    ['images', images],
    ['categories', categories],
    ['annotations', annotationTable(annotations, compared)],
  ]);
  const issue = (code: CocoIssue['code'], message: string): void => report({ code, file, message });
  const seen = new Set<string>();
  await scanCocoFile(file, {
    array: (name) => {
      seen.add(name);
      return true;
    },
    element: (name, index, record) => {
      const table = tables.get(name);
      if (!table) return;
      const wrong = table.check(record);
      if (wrong.length === 0) {
        table.add(record, index);
        return;
      }
      const id = idOf(record);
      const message = `${placeOf(name, index, id)}: ${formatProblems(wrong)}`;
      report({ code: 'schema', file, message, id });
    },
    invalid: (name, index, message) => issue('json', `${name}[${index}]: ${message}`),
    value: (name, value) => {
      if (tables.has(name)) issue('array', `${name}: expected an array, got ${quote(value)}`);
      seen.add(name);
    },
  });
  for (const name of tables.keys())
    if (!seen.has(name)) issue('array', `expected an array "${name}", got none`);
  return {
    file,
    images: images.finish(),
    categories: categories.rows,
    annotations: annotations.finish(),
  };
}

function annotationTable(columns: AnnotationColumns, compared: IouType | undefined): Table {
  if (compared) {
    const schema = COMPARED_SCHEMAS[compared];
    const hidden = ['bbox', 'segmentation', 'keypoints'].filter(
      (key) => !(key in schema.properties),
    );
    const none = Object.fromEntries(hidden.map((key) => [key, undefined]));
    return {
      check: compileSchema(schema),
      add: (record, position) => columns.add({ ...(record as object), ...none }, position),
    };
  }
  const [instances, keypoints] = [INSTANCE_SCHEMA, KEYPOINTS_SCHEMA].map(compileSchema);
  return {
    check: (record) => {
      const hasKeypoints = typeof record === 'object' && record !== null && 'keypoints' in record;
      return hasKeypoints ? keypoints(record) : instances(record);
    },
    add: (record, position) => columns.add(record, position),
  };
}

function idOf(record: unknown): number | string | undefined {
  const id: unknown = (record as { readonly id?: unknown } | null)?.id;
  return typeof id === 'number' || typeof id === 'string' ? id : undefined;
}

class ImageTable implements Table {
  readonly check: SchemaCheck;
  private readonly positions = new Column();
  private readonly ids = new Column();
  private readonly widths = new Column();
  private readonly heights = new Column();
  private readonly fileNames: string[] = [];

  constructor(schema: object) {
    this.check = compileSchema(schema);
  }

  add(record: unknown, position: number): void {
    const image = record as { id: number; width?: unknown; height?: unknown; file_name?: unknown };
    const { id, width, height, file_name: fileName } = image;
    this.positions.push(position);
    this.ids.push(id);
    this.widths.push(typeof width === 'number' ? width : 0);
    this.heights.push(typeof height === 'number' ? height : 0);
    this.fileNames.push(typeof fileName === 'string' ? fileName : '');
  }

  finish(): CocoImages {
    return {
      positions: this.positions.to(Uint32Array),
      ids: this.ids.view(),
      widths: this.widths.to(Int32Array),
      heights: this.heights.to(Int32Array),
      fileNames: this.fileNames,
    };
  }
}

class CategoryTable implements Table {
  readonly check: SchemaCheck;
  readonly rows: CocoCategory[] = [];

  constructor(schema: object) {
    this.check = compileSchema(schema);
  }

  add(record: unknown): void {
    const { id, name, supercategory, keypoints } = record as CocoCategory;
    this.rows.push({
      id,
      name: typeof name === 'string' ? name : String(id),
      supercategory,
      keypoints,
    });
  }
}
