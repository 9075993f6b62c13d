import { DataError } from '../core/errors.js';
import { imageNetClasses } from './classes/imagenet.js';

/** Classes of a data set by index. */
export interface DataClasses {
  /** `[K]`. */
  readonly names: readonly string[];
  /** `[K]`, e.g. WordNet ids; compared where the names are unknown. */
  readonly keys?: readonly string[] | undefined;
  /** Whether class `k` occurs; classes that do not occur may be unknown. Default: all occur. */
  readonly isUsed?: ((k: number) => boolean) | undefined;
}

/** Owner of the wanted classes. */
export interface ClassOwner {
  /** Name for messages, e.g. `the model`. */
  readonly owner?: string | undefined;
  /** Whether the data needs all of the wanted classes; default: some may be missing. */
  readonly needsAll?: boolean | undefined;
}

/** Places for messages, and the rule about missing classes. */
interface ClassPlaces extends ClassOwner {
  /** File or folder of the data. */
  readonly file: string;
}

/**
 * Finds the classes of a data set among wanted ones, by name. Numbers as names are compared as numbers, or are the indices
 * of classes with other names; WordNet ids are those of ImageNet-1K, or are in order of the classes. Wanted classes
 * without names (`class 0`, `class 1`, …) are matched by index.
 *
 * @returns `[K]`, the wanted index of each class of the data; −1 for an unknown class that does not occur
 * @throws DataError that lists the difference if a class that occurs is unknown, or a class that is needed is missing
 */
export function classOrder(
  data: DataClasses,
  wanted: readonly string[],
  places: ClassPlaces,
): Int32Array {
  const { names, keys = names, isUsed = () => true } = data;
  const identity = Int32Array.from(names.keys());
  if (isSameList(names, wanted)) return identity;
  if (wanted.every((name, k) => name === `class ${k}`)) {
    if (names.length === wanted.length) return identity;
    throw differs(data, wanted, { unknown: [], missing: [] }, places);
  }
  const order = findByName(names, keys, wanted);
  if (order.every((k) => k < 0)) {
    const byNumber = names.map(Number);
    const isIndex = names.every((name) => isNumber(name) && Number(name) < wanted.length);
    if (isIndex) return Int32Array.from(byNumber);
    const areIds = [...keys].every((key) => WORDNET_ID.test(key));
    if (areIds && keys.length === wanted.length) return identity;
  }
  const unknown = names.filter((_, k) => order[k] < 0 && isUsed(k));
  const found = new Set(order);
  const missing = wanted.filter((_, k) => !found.has(k));
  if (unknown.length > 0 || (places.needsAll && missing.length > 0))
    throw differs(data, wanted, { unknown, missing }, places);
  return order;
}

/** Whether classes keep their indices. */
export function isIdentity(order: Int32Array, numWanted: number): boolean {
  return order.length === numWanted && order.every((index, k) => index === k);
}

/** Line that says that classes were mapped. */
export function mappedLine({ file, owner = 'the model' }: ClassPlaces): string {
  return `${file}: classes in another order than in ${owner}, mapped by name`;
}

const WORDNET_ID = /^n\d{8}$/;
const isNumber = (name: string): boolean => /^\d+$/.test(name);
const isSameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, k) => name === b[k]);

/** Numbers without leading zeros, other names in one form of Unicode, because file systems differ in it. */
const canonical = (name: string): string =>
  isNumber(name) ? name.replace(/^0+(?=\d)/, '') : name.normalize('NFC');

function findByName(
  names: readonly string[],
  keys: readonly string[],
  wanted: readonly string[],
): Int32Array {
  const index = new Map<string, number>();
  const twice = new Set<string>();
  wanted.map(canonical).forEach((name, k) => {
    if (index.has(name)) twice.add(name);
    index.set(name, k);
  });
  for (const name of twice) index.delete(name); // found by key only
  if (keys.some((key) => WORDNET_ID.test(key))) {
    const known = imageNetClasses();
    const isImageNet = isSameList(
      wanted,
      known.map(({ name }) => name),
    );
    if (isImageNet) known.forEach(({ key }, k) => index.set(key, k));
  }
  return Int32Array.from(
    names,
    (name, k) => index.get(canonical(name)) ?? index.get(canonical(keys[k])) ?? -1,
  );
}

function differs(
  { names }: DataClasses,
  wanted: readonly string[],
  {
    unknown,
    missing,
  }: { readonly unknown: readonly string[]; readonly missing: readonly string[] },
  { file, owner = 'the model' }: ClassPlaces,
): DataError {
  const differences = [
    ...(unknown.length > 0 ? [`${few(unknown)} is none of them`] : []),
    ...(missing.length > 0 ? [`${few(missing)} is missing`] : []),
  ];
  const listed = differences.length > 0 ? `: ${differences.join(', ')}` : '';
  return DataError.in(
    file,
    `expected the ${wanted.length} classes of ${owner}, got ${names.length}${listed}`,
  );
}

/** The first few names in quotes. */
function few(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => JSON.stringify(name));
  return shown.join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '');
}
