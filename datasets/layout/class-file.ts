import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../../core/errors.js';
import { isImageName } from '../../io/files/images.js';
import { decodeJson } from '../../io/files/json.js';
import { readBytesSync } from '../../io/files/read.js';
import { readClassNames } from '../class-names.js';
import { errorAsValueSync } from '../problems.js';
import { startOf } from './folder-names.js';

/** Names of files that list the classes of a set of boxes or masks. */
const CLASS_FILES = ['classes.txt', 'labels.txt', 'predefined_classes.txt'];
/** Entries of LabelMe's lists that are no classes. */
const NO_CLASSES = new Set(['__ignore__', '_background_']);

/** Reads the names of Label Studio's `notes.json` (`{categories: [{id, name}]}`) in a folder, if there is one. */
export function notedClasses(root: string): readonly string[] | undefined {
  const file = join(root, 'notes.json');
  if (!existsSync(file)) return undefined;
  const content = errorAsValueSync(() => decodeJson(readBytesSync(file), file, 'notes'));
  if (content instanceof DataError || typeof content !== 'object' || content === null)
    return undefined;
  const { categories } = content as { readonly categories?: unknown };
  const names = (Array.isArray(categories) ? (categories as unknown[]) : []).flatMap((category) => {
    const { id, name } = (category ?? {}) as { readonly id?: unknown; readonly name?: unknown };
    return typeof id === 'number' && typeof name === 'string' ? [[id, name.trim()] as const] : [];
  });
  names.sort(([a], [b]) => a - b);
  const isComplete = names.every(([id, name], k) => id === k && name !== '');
  return isComplete && names.length > 0 ? names.map(([, name]) => name) : undefined;
}

/** Reads the list of classes in a folder, if there is one. A `labels.txt` that names images is none. */
export function listedClasses(root: string): readonly string[] | undefined {
  const file = CLASS_FILES.map((name) => join(root, name)).find(
    (path) => existsSync(path) && !startOf(path).split(/\s+/).some(isImageName),
  );
  return file === undefined
    ? undefined
    : readClassNames(file).filter((name) => !NO_CLASSES.has(name));
}
