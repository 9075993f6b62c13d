import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AnnotationsError, quote } from '../core/errors.js';
import { readTextSync, reasonOf } from '../io/files/read.js';

/** Names of files that may contain the labels of the images of a flat folder. */
export const LABEL_FILES = [
  'labels.json',
  'val.txt',
  'val_labels.txt',
  'labels.txt',
  'labels.csv',
  'val_annotations.txt',
  'LOC_val_solution.csv',
] as const;

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
  const found = LABEL_FILES.filter((name) => existsSync(join(folder, name)));
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
 * ImageNet's files).
 *
 * @throws DataError if it can't be understood
 */
export function readLabelFile(file: string): readonly FileLabel[] {
  let text: string;
  try {
    text = readTextSync(file);
  } catch (cause) {
    throw AnnotationsError.in(file, `expected a list of labels, got ${reasonOf(cause)}`, { cause });
  }
  return file.endsWith('.json') ? fromJson(text, file) : fromText(text, file);
}

function fromText(text: string, file: string): FileLabel[] {
  const isCsv = file.endsWith('.csv');
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (line.trim() === '' || (i === 0 && isCsv && /^\w+,\w+$/.test(line.trim()))) return [];
    const fields = isCsv ? splitOnce(line, ',') : line.trim().split(/[\s,]+/);
    const label = fields[1]?.trim().split(/\s+/)[0];
    if (!label)
      throw new AnnotationsError(
        `${file}:${i + 1}: expected "file label" on a line, got ${quote(line)}${bareNumberHint(line)}`,
        { file, id: i + 1 },
      );
    return [{ file: fields[0].trim(), label }];
  });
}

function splitOnce(line: string, separator: string): string[] {
  const at = line.indexOf(separator);
  return at < 0 ? [line] : [line.slice(0, at), line.slice(at + 1)];
}

/** The devkit's ground truth has one number per line, in its own order of classes. */
function bareNumberHint(line: string): string {
  return /^\s*\d+\s*$/.test(line)
    ? '; the development kit’s numbers follow another class order, use a list of file names with WordNet ids'
    : '';
}

function fromJson(text: string, file: string): FileLabel[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw AnnotationsError.in(file, `expected JSON, got ${String(cause)}`, { cause });
  }
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
