import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DataError, quote } from '../core/errors.js';
import { numberOf } from '../core/foreign-value.js';
import { parseJson } from '../io/files/json.js';
import { MAX_LIST_BYTES } from '../io/files/read.js';
import { readText } from '../io/files/text.js';

/** A class of a classification set. Two classes may have the same name (ImageNet: crane, maillot), never a key. */
export interface ClassEntry {
  /** Key in folders and label files, e.g. a WordNet id such as `n01440764`. */
  readonly key: string;
  /** Name for people. */
  readonly name: string;
}

/** Names of files that may list the classes of a set in order of their indices. */
export const CLASS_FILES = [
  'classes.json',
  'imagenet_class_index.json',
  'classes.txt',
  'LOC_synset_mapping.txt',
] as const;

/**
 * Reads the list of classes next to a data set, if any, see {@link readClassList}.
 *
 * @returns the classes by index, or undefined if `folder` has no such file
 * @throws DataError if there are several files, or one can't be understood
 */
export function readClassFile(folder: string): readonly ClassEntry[] | undefined {
  const found = CLASS_FILES.map((name) => join(folder, name)).filter(existsSync);
  if (found.length > 1)
    throw new DataError(
      `${folder}: expected one list of classes, got ${found.map((f) => basename(f)).join(' and ')}`,
      { file: found[1] },
    );
  return found.length === 0 ? undefined : readClassList(found[0]);
}

/**
 * Reads a list of classes. JSON may be a list of names, a list of `{index?, wnid? | key?, name}`, or an object
 * `{"0": ["n01440764", "tench"]}`; text has one class per line: a name, or a WordNet id and a name.
 *
 * @returns the classes by index, at least one
 * @throws DataError if the file can't be read or understood, or a class occurs twice
 */
export function readClassList(file: string): readonly ClassEntry[] {
  const text = readText(file, 'a list of classes', DataError, MAX_LIST_BYTES);
  const classes = file.endsWith('.json') ? fromJson(text, file) : fromText(text);
  if (classes.length === 0) throw DataError.in(file, 'expected at least one class, got none');
  const seen = new Set<string>();
  const repeated = classes.find(({ key }) => seen.size === seen.add(key).size);
  if (repeated)
    throw DataError.in(file, `expected every class once, got "${repeated.key}" twice`, {
      id: repeated.key,
    });
  return classes;
}

function fromText(text: string): ClassEntry[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const wordNet = /^(n\d{8})[\s,:]+(.+)$/.exec(line);
      return wordNet ? { key: wordNet[1], name: wordNet[2] } : { key: line, name: line };
    });
}

function fromJson(text: string, file: string): ClassEntry[] {
  const json = parseJson(text, file, 'a list of classes', DataError);
  if (typeof json !== 'object' || json === null)
    throw DataError.in(file, `expected a list of classes, got ${typeof json}`);
  const indexed: [number, ClassEntry][] = Array.isArray(json)
    ? json.map((entry, i) => listedClass(entry, i, file))
    : Object.entries(json).map(([index, entry]) => [Number(index), classOf(entry, file, index)]);
  const classes: ClassEntry[] = [];
  for (const [index, entry] of indexed) {
    if (!Number.isInteger(index) || index < 0 || index >= indexed.length || classes[index])
      throw new DataError(
        `${file}#${entry.key}: expected the indices 0 to ${indexed.length - 1}, each once, got ${index}`,
        { file, id: entry.key },
      );
    classes[index] = entry;
  }
  return classes;
}

function listedClass(entry: unknown, position: number, file: string): [number, ClassEntry] {
  const hasIndex = typeof entry === 'object' && entry !== null && 'index' in entry;
  return [hasIndex ? numberOf(entry.index) : position, classOf(entry, file, position)];
}

function classOf(entry: unknown, file: string, id: string | number): ClassEntry {
  if (typeof entry === 'string') return { key: entry, name: entry };
  if (Array.isArray(entry) && typeof entry[0] === 'string') {
    const [key, name] = entry as [string, unknown];
    return { key, name: typeof name === 'string' ? name : key };
  }
  const fields = (entry ?? {}) as Readonly<Record<string, unknown>>;
  const key = fields['wnid'] ?? fields['key'] ?? fields['name'];
  if (typeof key !== 'string')
    throw new DataError(`${file}#${id}: expected a name or a wnid, got ${quote(entry)}`, {
      file,
      id,
    });
  const { name } = fields;
  return { key, name: typeof name === 'string' ? name : key };
}

/**
 * Looks classes up by key, by name if that is unique, or by index.
 *
 * @returns returns the class index, or the reason why there is none
 */
export function classLookup(
  classes: readonly ClassEntry[],
): (label: string | number) => number | string {
  const byKey = new Map(classes.map(({ key }, index) => [key, index]));
  const byName = new Map<string, number>();
  // File systems differ in the form of Unicode.
  const byForm = new Map<string, number>();
  for (const [index, { key, name }] of classes.entries()) {
    byName.set(name, byName.has(name) ? -1 : index);
    for (const form of new Set([key, name].map((text) => text.normalize('NFC'))))
      byForm.set(form, byForm.has(form) ? -1 : index);
  }
  const spelled = new Map(
    classes.flatMap(({ key, name }) => [key, name].map((text) => [text.toLowerCase(), text])),
  );
  return (label) => {
    const text = String(label);
    const named = byKey.get(text) ?? byName.get(text) ?? byForm.get(text.normalize('NFC'));
    if (named === -1) return `expected a unique class, got "${label}", the name of several`;
    if (named !== undefined) return named;
    const index = typeof label === 'number' || /^\d+$/.test(label) ? Number(label) : NaN;
    if (Number.isInteger(index) && index >= 0 && index < classes.length) return index;
    const nearest = spelled.get(text.trim().toLowerCase());
    return `expected one of ${classes.length} classes, got ${quote(label)}${nearest === undefined ? '' : `; nearest: ${nearest}`}`;
  };
}
