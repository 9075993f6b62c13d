import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { IGNORED_LABEL } from '../../core/image.js';
import { LayoutError } from '../../core/errors.js';
import { parseCsv } from '../../io/csv/parse.js';
import { readText } from '../../io/files/text.js';
import type { FolderSource } from '../segmentation-folder.js';
import { labelOfName } from '../segmentation-source.js';
import { startOf } from './folder-names.js';

/** Names of classes, and the colors or values of their pixels in label files. */
export type NamedLabels = Pick<FolderSource, 'classes' | 'colors' | 'values'>;

/** A class in a table. */
interface Row {
  readonly name: string;
  readonly rgb?: readonly [number, number, number];
  readonly value?: number;
}

/** A line of a table, or undefined for one without a class. @throws DataError for another form */
type ReadRow = (fields: readonly string[]) => Row | undefined;

const isWhole = (text: string): boolean => /^\d{1,5}$/.test(text);
const colored = (name: string, numbers: readonly string[]): Row | undefined => {
  const [r, g, b] = numbers.map(Number);
  const isColor =
    name !== '' && numbers.length === 3 && numbers.every((n) => isWhole(n) && Number(n) < 256);
  return isColor ? { name, rgb: [r, g, b] } : undefined;
};

/** Tables of classes by file name, with the form of their lines. */
const TABLES: Readonly<
  Record<string, { readonly form: string; readonly read: ReadRow; readonly start?: RegExp }>
> = {
  // CVAT
  'labelmap.txt': {
    form: 'name:r,g,b:parts:actions',
    read: ([line]) => {
      const match = /^([^:]+):(\d+),(\d+),(\d+)(:|$)/.exec(line);
      return match ? colored(match[1], match.slice(2, 5)) : undefined;
    },
  },
  // CamVid, and CVAT as CamVid
  'label_colors.txt': {
    form: 'r g b name',
    read: ([line]) => {
      const match = /^(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(.+)$/.exec(line);
      return match ? colored(match[4].trim(), match.slice(1, 4)) : undefined;
    },
  },
  // CamVid as Kaggle has it
  'class_dict.csv': {
    form: 'name,r,g,b',
    read: ([name, ...numbers]) => colored(name, numbers.slice(0, 3)),
  },
  // Roboflow
  '_classes.csv': {
    form: 'value,class',
    // Files of this name belong to other exports, too.
    start: /^\W*pixel value\s*,/i,
    read: ([value, name]) => (isWhole(value) && name ? { name, value: Number(value) } : undefined),
  },
};

/** Whether a folder has a table of classes. */
export function hasLabelTable(folder: string): boolean {
  return tableIn(folder) !== undefined;
}

/**
 * Reads the table of classes in a folder: CVAT's `labelmap.txt`, CamVid's `label_colors.txt` or `class_dict.csv`, or
 * Roboflow's `_classes.csv`.
 *
 * @param given classes to use of those; default: all but the ignored ones
 * @returns undefined if there is none
 * @throws DataError for lines of another form, and given classes that it lacks
 */
export function readLabelTable(folder: string, given?: readonly string[]): NamedLabels | undefined {
  const name = tableIn(folder);
  if (name === undefined) return undefined;
  const file = join(folder, name);
  const rows = rowsOf(file, name);
  const classes = given ?? rows.filter((row) => !isIgnored(row.name)).map((row) => row.name);
  const missing = classes.find((wanted) => !rows.some((row) => row.name === wanted));
  if (missing !== undefined)
    throw LayoutError.in(
      file,
      `expected the class ${missing}, got ${rows.map((row) => row.name).join(', ')}`,
    );
  if (rows.some(({ rgb }) => rgb === undefined)) {
    const valueOf = new Map(rows.map((row) => [row.name, row.value ?? 0]));
    return { classes, values: classes.map((wanted) => valueOf.get(wanted) ?? 0) };
  }
  const colors = rows.flatMap(({ name: label, rgb }) => {
    const index = classes.indexOf(label);
    return rgb ? [{ rgb, label: index < 0 ? IGNORED_LABEL : index }] : [];
  });
  return { classes, colors };
}

const isIgnored = (name: string): boolean => labelOfName(name) === IGNORED_LABEL;

function tableIn(folder: string): string | undefined {
  const found = Object.entries(TABLES).find(([name, { start = /^/ }]) => {
    const file = join(folder, name);
    return existsSync(file) && start.test(startOf(file));
  });
  return found?.[0];
}

function rowsOf(file: string, name: string): readonly Row[] {
  const { form, read } = TABLES[name];
  const text = readText(file, 'a table of classes');
  const lines = name.endsWith('.csv')
    ? parseCsv(text).rows.map(({ line, fields }) => ({ line, fields: fields.map((f) => f.trim()) }))
    : text.split(/\r?\n/).map((line, i) => ({ line: i + 1, fields: [line.trim()] }));
  return lines.flatMap(({ line, fields }, i) => {
    if (fields.every((field) => field === '') || fields[0].startsWith('#')) return [];
    const row = read(fields);
    if (row) return [row];
    const isHeader = i === 0 && name.endsWith('.csv');
    if (isHeader) return [];
    throw LayoutError.in(file, `line ${line}: expected ${form}, got ${fields.join(',')}`);
  });
}
