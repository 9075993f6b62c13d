import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DataError, OptionError, ResultsError } from '../../core/errors.js';
import { readClassList, type ClassEntry } from '../../datasets/class-list.js';
import { ADE20K_CLASSES } from '../../datasets/classes/ade20k.js';
import { classOrder, isIdentity, mappedLine } from '../../datasets/class-order.js';

/** Classes by index, and the file that lists them. */
export interface ListedClasses {
  readonly file: string;
  readonly classes: readonly ClassEntry[];
}

/** Places of the classes of results among those of the labels. */
export interface ResultOrder {
  /** `[K]`, index among the labels' classes by index among those of the results; undefined if they are the same. */
  readonly order?: Int32Array | undefined;
  /** Line that says that classes were mapped. */
  readonly line?: string | undefined;
}

/** Reads a list of classes, see `readClassList`. */
export function listedClasses(file: string): ListedClasses {
  return { file, classes: readClassList(file) };
}

/** Finds the `classes.json` that `predict` writes beside its folder of label maps. */
export function classesBeside(folder: string): ListedClasses | undefined {
  const file = [join(folder, 'classes.json'), join(dirname(folder), 'classes.json')].find(
    existsSync,
  );
  return file === undefined ? undefined : listedClasses(file);
}

/**
 * Finds the classes of results among those of the labels, by name or key. Results without names (`class 0`, `class 1`, …)
 * have the numbers of the labels.
 *
 * @throws ResultsError that lists the difference if the results have a class that the labels lack
 */
export function resultOrder(
  { file, classes: results }: ListedClasses,
  labels: readonly ClassEntry[],
): ResultOrder {
  if (results.every(({ name }, k) => name === `class ${k}`)) return {};
  const keys = new Set(labels.map(({ key }) => key));
  const byKey = results.every(({ key }) => keys.has(key));
  const wanted = labels.map(({ key, name }) => (byKey ? key : name));
  const names = results.map(({ key, name }) => (byKey ? key : name));
  const places = { file, owner: 'the labels' };
  try {
    const order = classOrder({ names, keys: results.map(({ key }) => key) }, wanted, places);
    if (isIdentity(order, order.length)) return {};
    return { order, line: mappedLine(places) };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new ResultsError(
      `${error.message}; --classes FILE lists those of the labels, --dt-classes FILE those of the results`,
      { file, cause: error },
    );
  }
}

/**
 * Classes of label maps: those of a list, or the 150 of ADE20K.
 *
 * @param file list of the classes
 * @param numClasses default: those of the list, or 150
 * @returns their number, and the classes by index where they are known
 * @throws OptionError if both are given and disagree
 */
export function semanticClasses(
  file: string | undefined,
  numClasses?: number,
): {
  readonly numClasses: number;
  readonly labelClasses: readonly ClassEntry[] | undefined;
} {
  if (file === undefined) {
    const ade20k = ADE20K_CLASSES.map((name) => ({ key: name, name }));
    const count = numClasses ?? ade20k.length;
    return { numClasses: count, labelClasses: count === ade20k.length ? ade20k : undefined };
  }
  const { classes } = listedClasses(file);
  if (numClasses !== undefined && numClasses !== classes.length)
    throw new OptionError(
      `--num-classes: expected the ${classes.length} classes of ${file}, got ${numClasses}`,
    );
  return { numClasses: classes.length, labelClasses: classes };
}
