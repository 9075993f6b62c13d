import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AnnotationsError, DataError, quote } from '../core/errors.js';
import { parseCsv } from '../io/csv/parse.js';
import { parseJson, tryJson } from '../io/files/json.js';
import { readBytesSync, readTextSync } from '../io/files/read.js';
import { readText } from '../io/files/text.js';
import { errorAsValueSync } from './problems.js';

/** Names of files that may contain the labels of the images of a flat folder. */
export const LABEL_FILES = [
  'labels.json',
  'val.txt',
  'val_labels.txt',
  'labels.txt',
  'labels.csv',
  'val_annotations.txt',
  'LOC_val_solution.csv',
  '_classes.csv',
] as const;

/** Header of a table of boxes, and a row of one without a header: four numbers after the image. */
const [BOX_HEADER, BOX_ROW] = [
  /(^|[,;\t])\W*(x1|x_?min|left)\W*[,;\t]/i,
  /^[^,;\t]*([,;\t] *-?\d+(\.\d+)? *){4}([,;\t]|$)/,
];

/**
 * Whether a file is a label file: Roboflow writes two kinds of tables as `_classes.csv`, one with a column a class, and a
 * `labels.csv` may have boxes.
 */
export function isLabelFile(file: string): boolean {
  if (!existsSync(file)) return false;
  const [first] = startOf(file).split(/\r?\n/);
  if (isTable(file)) return /^\W*filename\s*,/i.test(first);
  return !file.endsWith('labels.csv') || !(BOX_HEADER.test(first) || BOX_ROW.test(first));
}

/** The beginning of a file as text; none of what cannot be read. */
function startOf(file: string): string {
  const bytes = errorAsValueSync(() => readBytesSync(file, 4096));
  return bytes instanceof DataError ? '' : new TextDecoder().decode(bytes);
}

const isTable = (file: string): boolean => file.endsWith('_classes.csv');

/** One line of a label file. */
interface FileLabel {
  /** Path as written; the extension may be missing. */
  readonly file: string;
  /** Key, name or index of a class. */
  readonly label: string | number;
}

/**
 * Finds the label file of a folder.
 *
 * @returns its path, or undefined if there is none
 * @throws DataError if there are several
 */
export function findLabelFile(folder: string): string | undefined {
  const found = LABEL_FILES.filter((name) => isLabelFile(join(folder, name)));
  if (found.length > 1)
    throw new AnnotationsError(
      `${folder}: expected one file of labels, got ${found.join(' and ')}`,
      {
        file: join(folder, found[1]),
      },
    );
  return found.length === 0 ? undefined : join(folder, found[0]);
}

/**
 * Reads a label file: JSON (`[{file, index | wnid | class | label}]` or `{"file": label}`), or text with a file name and
 * a label per line, separated by blanks, a tab or a comma; further columns are ignored (boxes in Kaggle's and Tiny
 * ImageNet's files). Roboflow's `_classes.csv` has a column of 0 and 1 for each class.
 *
 * @param isClass whether a text is a class, which finds the end of file names with blanks; default: their extension does
 * @throws DataError if it can't be understood, or an image has several classes
 */
export function readLabelFile(
  file: string,
  isClass?: (text: string) => boolean,
): readonly FileLabel[] {
  const text = readText(file, 'a list of labels', AnnotationsError);
  if (isTable(file)) return fromTable(text, file);
  const isOfName = file.endsWith('.json');
  const isJson = /^\s*[[{]/.test(text)
    ? isOfName || tryJson(text) !== undefined
    : isOfName && text.trim() === '';
  return isJson ? fromJson(text, file) : fromText(text, file, isClass);
}

/** Names of the classes that a label file lists itself; undefined for files that only use them. */
export function classesOfLabelFile(file: string): readonly string[] | undefined {
  return isTable(file)
    ? parseCsv(readTextSync(file)).rows[0].fields.slice(1).map(trimmed)
    : undefined;
}

const trimmed = (text: string): string => text.trim();

function fromTable(text: string, file: string): FileLabel[] {
  const [{ fields: header }, ...rows] = parseCsv(text).rows;
  const names = header.slice(1).map(trimmed);
  return rows.map(({ line, fields }) => {
    const [name, ...flags] = fields.map(trimmed);
    const set = names.filter((_, k) => flags[k] === '1');
    if (set.length !== 1)
      throw new AnnotationsError(
        `${file}:${line}: expected one class of ${name}, got ${set.join(', ') || 'none'}; several classes an image are not learned`,
        { file, id: name },
      );
    return { file: name, label: set[0] };
  });
}

function fromText(
  text: string,
  file: string,
  isClass: ((text: string) => boolean) | undefined,
): FileLabel[] {
  const isCsv = file.endsWith('.csv');
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (line.trim() === '' || (i === 0 && isCsv && /^\w+[,;]\w+$/.test(line.trim()))) return [];
    const named = isClass && namedLine(line.trim(), isClass);
    if (named) return [named];
    const [name = '', rest = ''] = dividedLine(line.trim());
    // Boxes follow in Kaggle's file, four numbers each, and scores in others; one whole number is part of a name: "type 2".
    const label = /^\S+(?=\s+-?(\d+\s+-?\d|\d*\.\d))/.exec(rest)?.[0] ?? rest;
    if (label === '')
      throw new AnnotationsError(
        `${file}:${i + 1}: expected "file label" on a line, got ${quote(line)}${bareNumberHint(line)}`,
        { file, id: i + 1 },
      );
    return [{ file: name, label }];
  });
}

/**
 * A file name and what follows it: the field after a comma, semicolon or tab, or all after the first blank behind an
 * extension of images, because names of files and classes may have blanks.
 */
function dividedLine(line: string): readonly (string | undefined)[] {
  const separator = ['\t', ',', ';'].find((character) => line.includes(character));
  if (separator !== undefined)
    return (parseCsv(line).rows[0]?.fields ?? line.split(separator)).map((field) => field.trim());
  const extended = /^(.+?\.(?:jpe?g|png|webp|bmp|gif|tiff?|avif))\s+(.+)$/i.exec(line);
  const [, name, rest] = extended ?? /^(\S+)\s+(.+)$/.exec(line) ?? [];
  return [name ?? line, rest];
}

/** Longest name of a class that is looked for after a file name with blanks. */
const MAX_CLASS_CHARS = 1000;

/** Divides a line at the first blank, tab or comma after which a class follows. */
function namedLine(line: string, isClass: (text: string) => boolean): FileLabel | undefined {
  // A class is looked for in the end of a line only, however many blanks come before.
  const from = Math.max(0, line.length - MAX_CLASS_CHARS);
  for (const { index, 0: gap } of line.matchAll(/\s*[,\t]\s*|\s+/g)) {
    if (index < from) continue;
    const label = line.slice(index + gap.length);
    if (index > 0 && isClass(label)) return { file: line.slice(0, index), label };
  }
  return undefined;
}

/** The devkit's ground truth has one number per line, in its own order of classes. */
function bareNumberHint(line: string): string {
  return /^\s*\d+\s*$/.test(line)
    ? '; the development kit’s numbers follow another class order, use a list of file names with WordNet ids'
    : '';
}

function fromJson(text: string, file: string): FileLabel[] {
  const json = parseJson(text, file, 'a list of labels', AnnotationsError);
  const entries: [unknown, unknown][] = Array.isArray(json)
    ? json.map((entry: unknown) => listed(entry))
    : Object.entries((json ?? {}) as Readonly<Record<string, unknown>>);
  return entries.map(([name, label], i) => {
    const isLabel = typeof label === 'string' || typeof label === 'number';
    if (typeof name !== 'string' || !isLabel)
      throw new AnnotationsError(
        `${file}#${i}: expected a file and its class, got ${quote([name, label])}`,
        { file, id: i },
      );
    return { file: name, label };
  });
}

function listed(entry: unknown): [unknown, unknown] {
  const fields = (entry ?? {}) as Readonly<Record<string, unknown>>;
  // The key is preferred to the index, because it can be checked against the list of classes.
  const label = fields['wnid'] ?? fields['class'] ?? fields['label'] ?? fields['index'];
  return [fields['file'] ?? fields['image'], label];
}
