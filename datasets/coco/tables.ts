import { quote } from '../../core/errors.js';
import { compileSchema, formatProblems, type SchemaCheck } from '../../io/schema.js';
import type { Problem, ProblemLog } from '../problems.js';
import { AnnotationTable, placeOf, type CocoAnnotations } from './annotation-table.js';
import { Column } from './column.js';
import { COCO_PROBLEMS as PROBLEMS } from './problem-kinds.js';
import { scanCocoFile } from './scan-file.js';
import { CATEGORY_SCHEMA, IMAGE_SCHEMA } from './schemas.js';

/** The images of a file, in its order. */
export interface CocoImages {
  /** `[N]`, positions in the file's `images`; they leave gaps where records are broken. */
  readonly positions: Uint32Array;
  /** `[N]`. */
  readonly ids: Float64Array;
  /** `[N]`, pixels. */
  readonly widths: Int32Array;
  /** `[N]`, pixels. */
  readonly heights: Int32Array;
  /** As they stand in the file, relative to the image folder. */
  readonly fileNames: readonly string[];
}

/** One entry of `categories`. */
export interface CocoCategory {
  readonly id: number;
  readonly name: string;
  readonly supercategory?: string | null;
  /** Names of its keypoints, in keypoint files. */
  readonly keypoints?: readonly string[];
}

/** A file as read: every record fits the format, but how records refer to each other is not checked yet. */
export interface CocoTables {
  readonly file: string;
  readonly images: CocoImages;
  readonly categories: readonly CocoCategory[];
  readonly annotations: CocoAnnotations;
}

/** What to keep of a file. */
export interface ReadOptions {
  /** Keep the masks; default true. */
  readonly masks?: boolean;
}

/** Takes the records of one array. */
interface Table {
  readonly check: SchemaCheck;
  add(record: unknown, position: number): void;
}

/**
 * Reads a COCO annotation file of any size into typed arrays. Records that do not fit the format are reported and
 * left out.
 *
 * @param log takes what is wrong with single records
 * @throws DataError if the file cannot be read or its JSON structure is broken
 */
export async function readCocoTables(
  file: string,
  log: ProblemLog,
  options: ReadOptions = {},
): Promise<CocoTables> {
  const images = new ImageTable();
  const categories = new CategoryTable();
  const annotations = new AnnotationTable(file, log, options.masks ?? true);
  const tables = new Map<string, Table>([
    ['images', images],
    ['categories', categories],
    ['annotations', annotations],
  ]);
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
      const id = idOf(record);
      if (wrong.length === 0) {
        table.add(record, index);
        return;
      }
      log.add(PROBLEMS.schema, {
        file,
        message: `${placeOf(name, index, id)}: ${formatProblems(wrong)}`,
        ...(id === undefined ? {} : { id }),
      });
    },
    invalid: (name, index, message) =>
      log.add(PROBLEMS.json, { file, message: `${name}[${index}]: ${message}` }),
    value: (name, value) => {
      if (tables.has(name))
        log.add(PROBLEMS.array, {
          file,
          message: `${name}: expected an array, got ${quote(value)}`,
        });
      seen.add(name);
    },
  });
  for (const name of tables.keys())
    if (!seen.has(name))
      log.add(PROBLEMS.array, { file, message: `expected an array "${name}", got none` });
  return {
    file,
    images: images.finish(),
    categories: categories.rows,
    annotations: annotations.finish(),
  };
}

/** What is wrong with an image. @param row of `images` */
export function imageProblem(
  { file, images }: Pick<CocoTables, 'file' | 'images'>,
  row: number,
  message: string,
): Problem {
  const id = images.ids[row];
  const where = placeOf('images', images.positions[row], id);
  return { file, message: `${where}: ${message}`, id, row: { table: 'images', index: row } };
}

function idOf(record: unknown): number | string | undefined {
  const id: unknown = (record as { readonly id?: unknown } | null)?.id;
  return typeof id === 'number' || typeof id === 'string' ? id : undefined;
}

class ImageTable implements Table {
  readonly check = compileSchema(IMAGE_SCHEMA);
  private readonly positions = new Column((n) => new Uint32Array(n));
  private readonly ids = new Column((n) => new Float64Array(n));
  private readonly widths = new Column((n) => new Int32Array(n));
  private readonly heights = new Column((n) => new Int32Array(n));
  private readonly fileNames: string[] = [];

  add(record: unknown, position: number): void {
    this.positions.push(position);
    const image = record as { id: number; width: number; height: number; file_name: string };
    this.ids.push(image.id);
    this.widths.push(image.width);
    this.heights.push(image.height);
    this.fileNames.push(image.file_name);
  }

  finish(): CocoImages {
    return {
      positions: this.positions.finish(),
      ids: this.ids.finish(),
      widths: this.widths.finish(),
      heights: this.heights.finish(),
      fileNames: this.fileNames,
    };
  }
}

class CategoryTable implements Table {
  readonly check = compileSchema(CATEGORY_SCHEMA);
  readonly rows: CocoCategory[] = [];

  add(record: unknown): void {
    const { id, name, supercategory, keypoints } = record as CocoCategory;
    this.rows.push({
      id,
      name,
      ...(supercategory === undefined ? {} : { supercategory }),
      ...(keypoints === undefined ? {} : { keypoints }),
    });
  }
}
