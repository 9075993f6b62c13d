import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { ResultsError, quote } from '../../core/errors.js';
import { readLabelFile } from '../../datasets/imagenet-labels.js';
import { tryJson } from '../../io/files/json.js';
import { readBytes } from '../../io/files/read.js';

/** Result of one image. */
export interface ResultRecord {
  readonly file: string;
  /** Index, name or key of its class. */
  readonly label?: number | string | undefined;
  readonly logits?: readonly number[];
  /** Class indices by descending probability. */
  readonly top?: readonly number[];
  /** Names of these classes, where they are known. */
  readonly names?: readonly (string | undefined)[];
}

/** Results of a file. */
export interface ResultFile {
  /** Names of all classes by index, where the file lists them. */
  readonly classes?: readonly string[] | undefined;
  readonly records: Iterable<{ readonly record: ResultRecord; readonly where: string }>;
}

/** Name of an image in results and labels: without folders, and in one form of Unicode. */
export const imageName = (path: string): string => basename(path).normalize('NFC');

/** Reads classification results: JSON lines, or the `predictions.json` of `predict`. Records are parsed one by one. */
export async function readResults(file: string): Promise<ResultFile> {
  const text = await readText(file);
  const whole = tryJson(text);
  if (!isObject(whole) || !Array.isArray(whole['predictions']))
    return { records: linesOf(text, file) };
  const { classes } = whole;
  if (classes !== undefined && !isNames(classes))
    throw ResultsError.in(file, `expected "classes" as a list of names, got ${quote(classes)}`);
  return { classes, records: predictionsOf(whole['predictions'] as readonly unknown[], file) };
}

const isNames = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string');

function* predictionsOf(
  predictions: readonly unknown[],
  file: string,
): Generator<{ record: ResultRecord; where: string }> {
  for (const [i, value] of predictions.entries()) {
    const where = `${file}: prediction ${i}`;
    yield { record: toRecord(value, where), where };
  }
}

function* linesOf(text: string, file: string): Generator<{ record: ResultRecord; where: string }> {
  let line = 0;
  for (const part of text.split('\n')) {
    line++;
    if (part.trim() === '') continue;
    const where = `${file}:${line}`;
    const value = tryJson(part);
    if (value === undefined)
      throw new ResultsError(
        `${where}: expected a JSON object per line, got ${quote(part.slice(0, 40))}`,
        { file },
      );
    yield { record: toRecord(value, where), where };
  }
}

function toRecord(value: unknown, where: string): ResultRecord {
  if (!isObject(value)) throw new ResultsError(`${where}: expected an object, got ${quote(value)}`);
  const { file, image, label, logits, top, topk } = value;
  const name = file ?? image;
  if (typeof name !== 'string')
    throw new ResultsError(`${where}: expected "file" as text, got ${quote(name)}`);
  if (label !== undefined && typeof label !== 'number' && typeof label !== 'string')
    throw new ResultsError(`${where}: expected "label" as a class, got ${quote(label)}`);
  const common = { file: name, label };
  if (logits !== undefined) return { ...common, logits: numbers(logits, where, 'logits') };
  const list = top ?? topk;
  if (!Array.isArray(list))
    throw new ResultsError(
      `${where}: expected "logits" or "top", got ${Object.keys(value).join(', ')}`,
    );
  const classes = list.map((item: unknown) =>
    isObject(item) ? (item['classIndex'] ?? item['class']) : item,
  );
  const names = list.map((item: unknown) =>
    isObject(item) && typeof item['name'] === 'string' ? item['name'] : undefined,
  );
  return { ...common, top: numbers(classes, where, 'top'), names };
}

/** Numbers; JSON has no infinity, so a logit may also be the string "-Infinity". */
function numbers(value: unknown, where: string, what: string): readonly number[] {
  if (!Array.isArray(value))
    throw new ResultsError(`${where}: expected "${what}" as a list, got ${typeof value}`);
  return value.map((item: unknown, i) => {
    const number = item === '-Infinity' ? -Infinity : item;
    if (typeof number !== 'number')
      throw new ResultsError(`${where}: expected numbers in "${what}", got ${quote(item)} at ${i}`);
    return number;
  });
}

/**
 * Reads a label file by name of the image; labels are class indices, or names or keys of classes.
 *
 * @param isClass whether a text is a class; undefined without a list
 */
export function readLabels(
  file: string,
  isClass: ((text: string) => boolean) | undefined,
): ReadonlyMap<string, number | string> {
  if (!existsSync(file)) throw ResultsError.in(file, 'expected labels, got no such file');
  const labels = new Map<string, number | string>();
  const isLabel = (text: string): boolean => isClass?.(text) === true || /^\d+$/.test(text);
  for (const { file: path, label } of readLabelFile(file, isLabel)) {
    const name = imageName(path);
    if (labels.has(name))
      throw ResultsError.in(file, `expected each image once, got ${name} again`, { id: name });
    const isIndex = typeof label === 'string' && /^\d+$/.test(label) && isClass?.(label) !== true;
    labels.set(name, isIndex ? Number(label) : label);
  }
  return labels;
}

const readText = async (file: string): Promise<string> =>
  new TextDecoder().decode(await readBytes(file));

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
