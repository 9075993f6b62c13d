import { basename, extname, join } from 'node:path';
import { assertText } from '../core/arguments.js';
import * as rule from '../core/options.js';
import { LayoutError } from '../core/errors.js';
import { describeSkipped, isImageName } from '../io/files/images.js';
import { entriesOf, isFolder, listFiles } from '../io/files/list.js';
import { CLASS_FILES, classLookup, readClassFile, type ClassEntry } from './class-list.js';
import {
  classesOfLabelFile,
  findLabelFile,
  LABEL_FILES,
  readLabelFile,
} from './imagenet-labels.js';
import type { ClassificationSample } from './sample.js';

/** A split of a classification set. */
export interface ClassificationSet {
  /** Description of the detected layout. */
  readonly layout: string;
  /** Folder of the images; undefined for images in memory. */
  readonly folder?: string | undefined;
  /** `all` if the set isn't divided. */
  readonly split: 'train' | 'val' | 'all';
  /** By class and file name, or in the order of the label file. */
  readonly samples: readonly ClassificationSample[];
  /** By class index. */
  readonly classes: readonly ClassEntry[];
  /** Files in image folders that are no images that are read, by name, without hidden ones. */
  readonly ignoredFiles: readonly string[];
}

/** Options of {@link readImageNet}. */
interface ImageNetOptions {
  readonly split: 'train' | 'val';
  /** Classes by index, e.g. those of a checkpoint; default: the set's list or its training folders. */
  readonly classes?: readonly ClassEntry[] | undefined;
}

const RULES: rule.OptionRules<ImageNetOptions> = {
  split: rule.oneWord('train', 'val'),
  classes: rule.A_LIST,
};

const SPLIT_FOLDERS = {
  train: ['train', 'training'],
  val: ['val', 'validation', 'valid'],
} as const;
/** Files that belong to a set besides images. */
const DESCRIBING = new Set<string>([...CLASS_FILES, ...LABEL_FILES]);

/**
 * Finds the images and labels of a classification set. Supported layouts:
 * - `train/` and `val/`, each with one folder per class (WordNet ids or any names), sorted by name, numbers by value;
 *   images may be one folder deeper
 * - a flat `val/` with a label file (`val.txt`, `LOC_val_solution.csv`, …) in it or next to it
 * - undivided class folders, or images with `labels.json`: the split is then `all`.
 *
 * A list of classes (`classes.json`, `classes.txt`, …) defines order and names; otherwise the training folders do, so
 * that a validation set with fewer classes gets the right indices.
 *
 * @throws DataError for an unknown layout, an empty class folder, an unknown class, and labels without a file or files
 *   without a label
 */
export function readImageNet(root: string, options: ImageNetOptions): ClassificationSet {
  assertText('readImageNet', 'the path of a folder', root);
  rule.assertOptions('readImageNet', options, RULES);
  if (!isFolder(root)) throw LayoutError.in(root, 'expected a folder with images, got none');
  const folders = {
    train: splitFolder(root, 'train'),
    val: splitFolder(root, 'val'),
  };
  const known = options.classes ?? readClassFile(root);
  if (folders.train === undefined && folders.val === undefined)
    return readPart(root, root, 'all', known);
  const folder = folders[options.split];
  if (folder === undefined)
    throw LayoutError.in(
      root,
      `expected ${SPLIT_FOLDERS[options.split].map((n) => `${n}/`).join(' or ')}, got neither`,
    );
  const classes =
    known ?? (folders.train === undefined ? undefined : trainedClasses(folders.train, root));
  return readPart(folder, root, options.split, classes);
}

/** Classes of the folders of a training part, or of its label file. */
function trainedClasses(folder: string, root: string): readonly ClassEntry[] | undefined {
  const names = subfolders(folder);
  if (names.length > 0) return names.map(named);
  const file = labelFileOf(folder, root, 'train');
  return file === undefined ? undefined : classesOf(file);
}

/** Classes that a label file lists or uses. */
function classesOf(file: string): readonly ClassEntry[] {
  const used = (): readonly string[] =>
    inClassOrder([...new Set(readLabelFile(file).map(({ label }) => String(label)))]);
  return (classesOfLabelFile(file) ?? used()).map(named);
}

/** Label file of a folder of images: in it, or beside it unless that is of other images. */
function labelFileOf(
  folder: string,
  root: string,
  split: ClassificationSet['split'],
): string | undefined {
  const inside = findLabelFile(folder);
  if (inside !== undefined || folder === root) return inside;
  const beside = findLabelFile(root);
  const isOfVal = beside !== undefined && /val/i.test(basename(beside));
  return split === 'train' && isOfVal ? undefined : beside;
}

function readPart(
  folder: string,
  root: string,
  split: ClassificationSet['split'],
  classes: readonly ClassEntry[] | undefined,
): ClassificationSet {
  const isFlat = entriesOf(folder).files.some(isImageName);
  const inside = findLabelFile(folder);
  const labelFile = inside ?? (isFlat ? labelFileOf(folder, root, split) : undefined);
  // `labels.txt` next to class folders is probably a list of the classes.
  const isOfImages = isFlat || inside?.endsWith('.json') || subfolders(folder).length === 1;
  if (isFlat && split === 'train' && labelFile === undefined)
    throw LayoutError.in(folder, 'expected a folder per class for training, got images');
  if (labelFile !== undefined && isOfImages)
    return fromLabelFile(folder, labelFile, split, classes);
  if (!isFlat) return fromClassFolders(folder, split, classes);
  throw LayoutError.in(
    folder,
    `expected a folder per class or a label file (${LABEL_FILES.join(', ')}), got images alone`,
  );
}

function fromClassFolders(
  folder: string,
  split: ClassificationSet['split'],
  known: readonly ClassEntry[] | undefined,
): ClassificationSet {
  const names = subfolders(folder);
  if (names.length === 0)
    throw LayoutError.in(
      folder,
      `expected a folder per class, or images with a label file (${LABEL_FILES.join(', ')}), got neither`,
    );
  const classes = known ?? names.map(named);
  const lookUp = classLookup(classes);
  const samples: ClassificationSample[] = [];
  const ignoredFiles: string[] = [];
  for (const name of names) {
    const classFolder = join(folder, name);
    const classIndex = lookUp(name);
    if (typeof classIndex === 'string') throw LayoutError.in(classFolder, classIndex, { id: name });
    const files = orderedImages(classFolder, ignoredFiles);
    if (files.length === 0) {
      const skipped = describeSkipped(ignoredFiles.filter((file) => file.startsWith(classFolder)));
      const got = skipped === undefined ? 'an empty folder' : `none; ${skipped}`;
      throw LayoutError.in(classFolder, `expected images of a class, got ${got}`, { id: name });
    }
    for (const file of files) samples.push({ file, classIndex });
  }
  const layout = `${names.length} class folders`;
  return { layout, folder, split, samples, classes, ignoredFiles };
}

function fromLabelFile(
  folder: string,
  labelFile: string,
  split: ClassificationSet['split'],
  known: readonly ClassEntry[] | undefined,
): ClassificationSet {
  const labels = readLabelFile(labelFile);
  if (labels.length === 0) throw LayoutError.in(labelFile, 'expected labels, got none');
  const classes = known ?? classesOf(labelFile);
  if (known === undefined && labels.some(({ label }) => /^\d+$/.test(String(label))))
    throw LayoutError.in(
      labelFile,
      'expected class names, or numbers and a list of classes (classes.json), got numbers alone',
    );
  const lookUp = classLookup(classes);
  const ignoredFiles: string[] = [];
  const unlabeled = new Set(orderedImages(folder, ignoredFiles));
  const byStem = new Map([...unlabeled].map((file) => [stem(file), file]));
  // File systems differ in the form of Unicode.
  const byForm = new Map([...unlabeled].map((file) => [stem(file).normalize('NFC'), file]));
  // Tiny ImageNet's list has file names without folders. Ambiguous names are not used.
  const byName = new Map<string, string>();
  for (const file of unlabeled) {
    const name = basename(stem(file)).normalize('NFC');
    byName.set(name, byName.has(name) ? '' : file);
  }
  const samples = labels.map(({ file: name, label }) => {
    const direct = join(folder, name);
    const file = unlabeled.has(direct)
      ? direct
      : (byStem.get(direct) ??
        byStem.get(stem(direct)) ??
        byForm.get(stem(direct).normalize('NFC')) ??
        byName.get(basename(stem(name)).normalize('NFC')));
    if (file === undefined || !unlabeled.delete(file))
      throw LayoutError.in(labelFile, `expected every image once, got ${name}: none or twice`, {
        id: name,
      });
    const classIndex = lookUp(label);
    if (typeof classIndex === 'string')
      throw new LayoutError(`${labelFile}#${name}: ${classIndex}`, { file: labelFile, id: name });
    return { file, classIndex };
  });
  const [without] = unlabeled;
  if (without !== undefined)
    throw LayoutError.in(
      labelFile,
      `expected a label for every image, got none for ${basename(without)} (${unlabeled.size} in all)`,
      { id: basename(without) },
    );
  return {
    layout: `images labeled by ${basename(labelFile)}`,
    folder,
    split,
    samples,
    classes,
    ignoredFiles,
  };
}

/** Lists the images of a folder and of those below it: files before folders, by code unit as in Python, numbers by value. */
function orderedImages(folder: string, ignoredFiles: string[]): string[] {
  const keyOf = (path: string): string =>
    path
      .split('/')
      .map((name, i, { length }) =>
        i === length - 1 ? `\0${name}` : /^\d+$/.test(name) ? name.padStart(20, '0') : name,
      )
      .join('\0');
  const files: string[] = [];
  const found = listFiles(folder, (name) => !DESCRIBING.has(name));
  const keyed = found.map((path) => [keyOf(path), path] as const);
  for (const [, path] of keyed.sort(([a], [b]) => (a < b ? -1 : 1)))
    (isImageName(path) ? files : ignoredFiles).push(join(folder, path));
  return files;
}

/** Whether a set has a folder for that split; an undivided set has none. */
export function hasSplit(root: string, split: 'train' | 'val'): boolean {
  return splitFolder(root, split) !== undefined;
}

function splitFolder(root: string, split: 'train' | 'val'): string | undefined {
  const found = SPLIT_FOLDERS[split].map((name) => join(root, name)).filter(isFolder);
  if (found.length > 1)
    throw LayoutError.in(root, `expected one folder for ${split}, got ${found.join(' and ')}`);
  return found[0];
}

const named = (name: string): ClassEntry => ({ key: name, name });
const stem = (file: string): string => file.slice(0, file.length - extname(file).length);

/** Names of the folders in a folder, without hidden ones, sorted; numbers alone are sorted as numbers. */
export function subfolders(folder: string): string[] {
  return inClassOrder(entriesOf(folder).folders);
}

/** Sorts names, numbers alone by their value. */
function inClassOrder(names: readonly string[]): string[] {
  const areNumbers = names.every((name) => /^\d+$/.test(name));
  const byCode = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return names.toSorted((a, b) => (areNumbers ? Number(a) - Number(b) : 0) || byCode(a, b));
}
