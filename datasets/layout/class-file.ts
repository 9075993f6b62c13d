import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isImageName } from '../../io/files/images.js';
import { readClassNames } from '../class-names.js';
import { startOf } from './folder-names.js';

/** Names of files that list the classes of a set of boxes or masks. */
const CLASS_FILES = ['classes.txt', 'labels.txt', 'predefined_classes.txt'];
/** Entries of LabelMe's lists that are no classes. */
const NO_CLASSES = new Set(['__ignore__', '_background_']);

/** Reads the list of classes in a folder, if there is one. A `labels.txt` that names images is none. */
export function listedClasses(root: string): readonly string[] | undefined {
  const file = CLASS_FILES.map((name) => join(root, name)).find(
    (path) => existsSync(path) && !startOf(path).split(/\s+/).some(isImageName),
  );
  return file === undefined
    ? undefined
    : readClassNames(file).filter((name) => !NO_CLASSES.has(name));
}
