import { assertText } from '../../core/arguments.js';
import type { CocoCategory, FederatedLabels, IouType } from '../../core/coco.js';
import type { RgbImage } from '../../core/image.js';
import { Column } from '../../core/column.js';
import { quote } from '../../core/errors.js';
import * as rule from '../../core/options.js';
import { compileSchema, formatProblems, type SchemaCheck } from '../schema.js';
import {
  AnnotationColumns,
  annotationIn,
  areaOfSegmentation,
  type CocoAnnotations,
} from './annotation-columns.js';
import { FederatedColumns, withFileName } from './federated.js';
import { placeOf, type CocoIssue, type Place, type RecordPlaces, type Report } from './issues.js';
import { NOT_TAKEN } from './json-bytes.js';
import { RecordScan } from './record-scan.js';
import { ANNOTATION_FIELDS } from './scan-fields.js';
import { scanCocoFile } from './scan-file.js';
import type { DirectReader } from './scanner.js';
import {
  CATEGORY_SCHEMA,
  COMPARED_SCHEMAS,
  COMPARED_CATEGORY_SCHEMA,
  COMPARED_IMAGE_SCHEMA,
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
  /** Absent unless the set is federated, as LVIS. */
  readonly federated?: FederatedLabels | undefined;
  /** Places of the records; default: by position and id in `file`. */
  readonly places?: RecordPlaces | undefined;
  /** Records that were reported and skipped, so that references to them are not reported, too. */
  readonly rejected?: RejectedRecords | undefined;
}

/** Records that do not match the format. */
export interface RejectedRecords {
  readonly imageIds: ReadonlySet<unknown>;
  readonly categoryIds: ReadonlySet<unknown>;
  readonly fileNames: ReadonlySet<string>;
  /** Images and categories of rejected annotations. */
  readonly annotated: ReadonlySet<unknown>;
  readonly annotatedWith: ReadonlySet<unknown>;
  /** Tables with records that are no JSON, whose ids are unknown. */
  readonly unreadable: ReadonlySet<string>;
  /** Numbers of records by table. */
  readonly counts: Readonly<Record<'images' | 'categories' | 'annotations', number>>;
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

/** x, y, width, height of an annotation, pixels. @param row of `annotations` */
export function boxOf(
  { annotations: { boxes } }: Pick<CocoTables, 'annotations'>,
  row: number,
): [number, number, number, number] {
  return [boxes[4 * row], boxes[4 * row + 1], boxes[4 * row + 2], boxes[4 * row + 3]];
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
  /** Selects the images whose masks are kept; default: all. Those of others become "none". */
  readonly wantsMask?: ((imageId: number) => boolean) | undefined;
}

const READ_RULES: rule.OptionRules<ReadOptions> = {
  masks: rule.TRUE_OR_FALSE,
  compared: rule.oneWord('bbox', 'segm', 'keypoints'),
  wantsMask: rule.A_FUNCTION,
};

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
  options: ReadOptions = {},
): Promise<CocoTables> {
  assertText('readAnnotations', 'the path of a file', file);
  rule.assertOptions('readAnnotations', options, READ_RULES);
  const { masks = true, compared, wantsMask } = options;
  const federated = new FederatedColumns();
  const images = new ImageTable(compared ? COMPARED_IMAGE_SCHEMA : IMAGE_SCHEMA, federated);
  const categories = new CategoryTable(
    compared ? COMPARED_CATEGORY_SCHEMA : CATEGORY_SCHEMA,
    federated,
  );
  const annotations = new AnnotationColumns(annotationIn(file), report, {
    masks: compared === undefined ? masks : compared === 'segm' && 'asWritten',
    keypoints: compared === 'keypoints',
    wantsMask,
  });
  const tables = new Map<string, Table>([
    ['images', images],
    ['categories', categories],
    ['annotations', annotationTable(annotations, compared, (issue) => report({ ...issue, file }))],
  ]);
  const issue = (code: CocoIssue['code'], message: string): void => report({ code, file, message });
  const rejected = new RejectedLog();
  const seen = new Set<string>();
  let firstListed: object | undefined;
  const read = directReader(annotations, compared);
  await scanCocoFile(file, {
    array: (name) => {
      seen.add(name);
      if (name === '') firstListed = {};
      return true;
    },
    element: (name, index, given) => {
      if (name === '' && index === 0) firstListed = Object(given) as object;
      const record = name === 'images' ? withFileName(given) : given;
      const table = tables.get(name);
      if (!table) return;
      const wrong = table.check(record);
      if (wrong.length === 0) {
        table.add(record, index);
        return;
      }
      const id = idOf(record);
      const hasSize = !wrong.some(({ path }) => name === 'images' && SIZES.has(path));
      const hint = hasSize ? '' : '; the size is that of the image file';
      const message = `${placeOf(name, index, id)}: ${formatProblems(wrong)}${hint}`;
      rejected.add(name, record);
      report({ code: 'schema', file, message, id });
    },
    invalid: (name, index, message) => {
      rejected.addUnreadable(name);
      issue('json', `${name}[${index}]: ${message}`);
    },
    direct: (name) => (name === 'annotations' ? read : undefined),
    value: (name, value) => {
      if (tables.has(name)) issue('array', `${name}: expected an array, got ${quote(value)}`);
      seen.add(name);
    },
  });
  if (seen.has('') && firstListed !== undefined)
    issue('array', `expected {images, annotations, categories}, got ${listOf(firstListed)}`);
  else
    for (const name of tables.keys())
      if (!seen.has(name)) issue('array', `expected an array "${name}", got none`);
  return {
    file,
    images: images.finish(),
    categories: categories.rows,
    annotations: annotations.finish(),
    federated: federated.finish(),
    rejected,
  };
}

const SIZES: ReadonlySet<string> = new Set(['width', 'height']);

/** Collects rejected records. */
class RejectedLog implements RejectedRecords {
  readonly imageIds = new Set<unknown>();
  readonly categoryIds = new Set<unknown>();
  readonly fileNames = new Set<string>();
  readonly annotated = new Set<unknown>();
  readonly annotatedWith = new Set<unknown>();
  readonly unreadable = new Set<string>();
  readonly counts = { images: 0, categories: 0, annotations: 0 };

  addUnreadable(table: string): void {
    this.unreadable.add(table);
    if (table in this.counts) this.counts[table as keyof RejectedRecords['counts']]++;
  }

  add(table: string, record: unknown): void {
    const fields = Object(record) as Readonly<Record<string, unknown>>;
    if (table === 'images') {
      this.imageIds.add(fields['id']);
      const fileName = fields['file_name'];
      if (typeof fileName === 'string') this.fileNames.add(fileName);
      this.counts.images++;
    } else if (table === 'categories') {
      this.categoryIds.add(fields['id']);
      this.counts.categories++;
    } else {
      this.annotated.add(fields['image_id']);
      this.annotatedWith.add(fields['category_id']);
      this.counts.annotations++;
    }
  }
}

/** Describes a bare list by its first record. */
function listOf(first: object): string {
  if ('score' in first)
    return 'a list of detections (a result file: give the annotations here, and the results to --results or score --dt)';
  if ('image_id' in first) return 'a bare list of annotations, without images and categories';
  return 'a bare list';
}

/**
 * Creates a reader of annotations of the usual form, which are most of a file: for them it stores the same as parsing,
 * checking and adding a record does.
 */
function directReader(
  columns: AnnotationColumns,
  compared: IouType | undefined,
): DirectReader | undefined {
  if (compared === 'keypoints') return undefined;
  const scan = new RecordScan(ANNOTATION_FIELDS[compared ?? 'all']);
  return (bytes, at, length, position) => {
    const end = scan.scan(bytes, at, length);
    return end !== NOT_TAKEN && columns.addScanned(scan, position) ? end : NOT_TAKEN;
  };
}

function annotationTable(
  columns: AnnotationColumns,
  compared: IouType | undefined,
  report: (issue: Omit<CocoIssue, 'file'>) => void,
): Table {
  if (compared) {
    const schema = COMPARED_SCHEMAS[compared];
    const hidden = ['bbox', 'segmentation', 'keypoints'].filter(
      (key) => !(key in schema.properties),
    );
    const none = Object.fromEntries(hidden.map((key) => [key, undefined]));
    return {
      check: compileSchema(schema),
      add: (record, position) => {
        const { area, segmentation } = record as { area?: unknown; segmentation?: unknown };
        const known = typeof area === 'number' ? area : areaOfSegmentation(segmentation);
        columns.add({ ...(record as object), ...none, area: known }, position);
      },
    };
  }
  const keypoints = compileSchema(KEYPOINTS_SCHEMA);
  return {
    check: compileSchema(INSTANCE_SCHEMA),
    add: (record, position) => {
      const fields = record as { readonly id: number };
      // Only the evaluation of keypoints needs them, so that here they are no reason to refuse an object.
      const wrong = 'keypoints' in fields ? keypoints(fields) : [];
      if (wrong.length === 0) return columns.add(fields, position);
      const { id } = fields;
      const where = placeOf('annotations', position, id);
      report({ code: 'keypoints', message: `${where}: ${formatProblems(wrong)}`, id });
      columns.add({ ...fields, keypoints: undefined, num_keypoints: undefined }, position);
    },
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

  constructor(
    schema: object,
    private readonly federated: FederatedColumns,
  ) {
    this.check = compileSchema(schema);
  }

  add(record: unknown, position: number): void {
    this.federated.addImage(record);
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
      positions: this.positions.take(Uint32Array),
      ids: this.ids.take(Float64Array),
      widths: this.widths.take(Int32Array),
      heights: this.heights.take(Int32Array),
      fileNames: this.fileNames,
    };
  }
}

class CategoryTable implements Table {
  readonly check: SchemaCheck;
  readonly rows: CocoCategory[] = [];

  constructor(
    schema: object,
    private readonly federated: FederatedColumns,
  ) {
    this.check = compileSchema(schema);
  }

  add(record: unknown): void {
    this.federated.addCategory(record);
    const { id, name, supercategory, keypoints } = record as CocoCategory;
    this.rows.push({
      id,
      name: typeof name === 'string' ? name : String(id),
      supercategory,
      keypoints,
    });
  }
}
