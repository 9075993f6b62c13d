import { AnnotationsError, quote } from '../../core/errors.js';
import { decodeText } from '../files/text.js';
import { parseCsv, parseCsvRows, type CsvRow } from './parse.js';

/** A row of a file: a box, or an image without objects. */
export interface CsvBox {
  /** Line in the file, from 1. */
  readonly line: number;
  /** Path of the image as written, with `/`. */
  readonly image: string;
  /** Size of the image in pixels, 0 if the file does not give it. */
  readonly width: number;
  readonly height: number;
  /** x1, y1, x2, y2 in pixels, or in fractions of the image; undefined for an image without objects. */
  readonly corners: readonly [number, number, number, number] | undefined;
  readonly className: string;
  /** Whether the box is around several objects. */
  readonly isGroup?: boolean | undefined;
}

/** Content of a file. */
export interface CsvBoxes {
  readonly boxes: readonly CsvBox[];
  /** Whether all corners are fractions of the size of the image. */
  readonly isRelative: boolean;
  /** Rows that do not fit the format: `line 7: x1: expected a number, got "a"`. */
  readonly problems: readonly { readonly line: number; readonly message: string }[];
}

const CORNERS = ['x1', 'y1', 'x2', 'y2'] as const;
/** Corner and size of a box, as COCO has them. */
const SIZED = ['x', 'y', 'w', 'h'] as const;
const COLUMNS = ['image', ...CORNERS, ...SIZED, 'class', 'width', 'height', 'group'] as const;
type Column = (typeof COLUMNS)[number];
/** Class of all objects where the file has no column for it. */
const ONLY_CLASS = 'object';

/** Names of the columns in the headers that people write, in lower case without separators. */
const NAMES: Readonly<Record<Column, string>> = {
  image:
    'image filename imagename imagepath imagefile imagefilename imageid path filepath file img imgpath imgname imgfile',
  x1: 'x1 xmin left minx bboxx1 bboxxmin bboxleft boxx1 boxxmin',
  y1: 'y1 ymin top miny bboxy1 bboxymin bboxtop boxy1 boxymin',
  x2: 'x2 xmax right maxx bboxx2 bboxxmax bboxright boxx2 boxxmax',
  y2: 'y2 ymax bottom maxy bboxy2 bboxymax bboxbottom boxy2 boxymax',
  x: 'bboxx boxx',
  y: 'bboxy boxy',
  w: 'bboxwidth boxwidth bboxw boxw',
  h: 'bboxheight boxheight bboxh boxh',
  class: 'class label name category classname labelname categoryname object objectname',
  width: 'width imagewidth imgwidth',
  height: 'height imageheight imgheight',
  group: 'isgroupof',
};
const COLUMN_OF = new Map(
  COLUMNS.flatMap((column) => NAMES[column].split(' ').map((name) => [name, column] as const)),
);

/** Columns of files without a header: keras-retinanet's, and those of makesense.ai. */
const PLAIN: readonly Columns[] = [
  { image: 0, x1: 1, y1: 2, x2: 3, y2: 4, class: 5 },
  { class: 0, x: 1, y: 2, w: 3, h: 4, image: 5, width: 6, height: 7 },
];

/** Number of rows that tell whether rows without a header are boxes. */
const FIRST_ROWS = 5;

/** Whether the beginning of a text is that of a list of boxes. @param text whole lines */
export function isCsvOfBoxes(text: string): boolean {
  const { rows } = parseCsv(text);
  return rows.length > 0 && (headerOf(rows[0]) ?? plainColumns(rows)) !== undefined;
}

/**
 * Reads a list of boxes in one of these forms, with commas, semicolons or tabs:
 * - `image,x1,y1,x2,y2,class` with or without a header; without one, empty fields mark an image without objects, as in
 *   keras-retinanet;
 * - `class,x,y,width,height,image,image width,image height` without a header, as of makesense.ai;
 * - a header that names these columns in any order, e.g. that of TensorFlow's object detection
 *   (`filename,width,height,class,xmin,ymin,xmax,ymax`) or Open Images (`ImageID,LabelName,XMin,…`, in fractions); other
 *   columns are not used. Without one for the class all objects are of the class `object`.
 *
 * @throws DataError for text in another form
 * @see https://github.com/fizyr/keras-retinanet#csv-datasets
 */
export function readCsvBoxes(bytes: Uint8Array, file: string): CsvBoxes {
  const text = decodeText(bytes, file, 'a list of boxes');
  const boxes: CsvBox[] = [];
  const problems: { readonly line: number; readonly message: string }[] = [];
  /** The first rows, which tell the columns; the others are not kept. */
  const first: CsvRow[] = [];
  let columns: Columns | undefined;
  const add = (row: CsvRow, delimiter: string): void => {
    const box = boxOf(row, columns ?? PLAIN[0], delimiter);
    if (typeof box === 'string') problems.push({ line: row.line, message: box });
    else boxes.push(box);
  };
  const addFirst = (delimiter: string): void => {
    const header = first.length > 0 ? headerOf(first[0]) : undefined;
    columns = header ?? plainColumns(first) ?? PLAIN[0];
    for (const row of header ? first.slice(1) : first) add(row, delimiter);
  };
  const { delimiter, problem } = parseCsvRows(text, (row, delimiter) => {
    if (columns) return add(row, delimiter);
    first.push(row);
    if (first.length === FIRST_ROWS) addFirst(delimiter);
  });
  if (problem) throw AnnotationsError.in(file, `line ${problem.line}: ${problem.message}`);
  if (!columns) addFirst(delimiter);
  const [start] = first as readonly (CsvRow | undefined)[];
  if (!start) throw AnnotationsError.in(file, 'expected rows of boxes, got an empty file');
  if (!headerOf(start) && boxes.length === 0)
    throw AnnotationsError.in(
      file,
      `line ${start.line}: expected image,x1,y1,x2,y2,class or a header with these columns, got ${quote(start.fields.join(delimiter))}`,
    );
  return { boxes, problems, isRelative: areRelative(boxes) };
}

/** Whether all corners are at most 1, and some between 0 and 1. */
function areRelative(boxes: readonly CsvBox[]): boolean {
  let hasFraction = false;
  for (const { corners = [] } of boxes)
    for (const value of corners) {
      if (value > 1) return false;
      hasFraction ||= value > 0 && value < 1;
    }
  return hasFraction;
}

type Columns = Readonly<Partial<Record<Column, number>>>;

/** Positions of the columns by a header; undefined if the row is none. */
function headerOf({ fields }: CsvRow): Columns | undefined {
  const columns: Partial<Record<Column, number>> = {};
  fields.forEach((field, i) => {
    const column = COLUMN_OF.get(field.toLowerCase().replaceAll(/[\s_.-]/g, ''));
    if (column) columns[column] ??= i;
  });
  const has = (column: Column): boolean => columns[column] !== undefined;
  return has('image') && (CORNERS.every(has) || SIZED.every(has)) ? columns : undefined;
}

/** Columns of rows without a header, if the first ones are boxes or images without objects. */
function plainColumns(rows: readonly CsvRow[]): Columns | undefined {
  return PLAIN.find((columns) =>
    rows
      .slice(0, FIRST_ROWS)
      .every(
        (row) =>
          row.fields.length === Object.keys(columns).length &&
          typeof boxOf(row, columns, ',') === 'object',
      ),
  );
}

/** @returns the box, or the problem with it */
function boxOf({ line, fields }: CsvRow, columns: Columns, delimiter: string): CsvBox | string {
  const textAt = (column: Column): string => fields[columns[column] ?? Infinity]?.trim() ?? '';
  const image = textAt('image').replaceAll('\\', '/');
  if (image === '') return 'expected the path of an image, got none';
  const numberAt = (column: Column): number => {
    const text = textAt(column);
    // Where semicolons separate fields, commas are decimal points.
    const value = delimiter === ';' ? text.replace(',', '.') : text;
    return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(value) ? Number(value) : NaN;
  };
  const size = { width: numberAt('width') || 0, height: numberAt('height') || 0 };
  const className = columns.class === undefined ? ONLY_CLASS : textAt('class');
  const isGroup = /^(1|true)$/i.test(textAt('group')) || undefined;
  const place = { line, image, ...size, className, isGroup };
  const used = columns.x1 === undefined ? SIZED : CORNERS;
  if (used.every((column) => textAt(column) === '')) return { ...place, corners: undefined };
  const [x1, y1, third, fourth] = used.map(numberAt);
  const wrong = used.find((column) => !Number.isFinite(numberAt(column)));
  if (wrong) return `${wrong}: expected a number, got ${quote(textAt(wrong))}`;
  if (className === '') return 'class: expected the name of a class, got none';
  const isSized = used === SIZED;
  return {
    ...place,
    corners: [x1, y1, isSized ? x1 + third : third, isSized ? y1 + fourth : fourth],
  };
}
