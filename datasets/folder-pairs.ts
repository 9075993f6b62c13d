import { existsSync } from 'node:fs';
import { basename, extname, relative } from 'node:path';
import { LayoutError, quote } from '../core/errors.js';
import { describeSkipped, isImageName } from '../io/files/images.js';
import { filesBelow } from '../io/files/list.js';
import { imageKey, isMaskName, maskKey } from './mask-names.js';
import type { SegmentationSample } from './sample.js';

/** Pairs that a list names. */
export interface ListedStems {
  /** The list, for messages. */
  readonly file: string;
  /** As written, by path relative to the folder of the images, with `/` and without extension. */
  readonly stems: ReadonlyMap<string, string>;
}

/** Options of {@link pairFiles}. */
interface PairOptions {
  readonly listed?: ListedStems | undefined;
  readonly labelEnd?: string | undefined;
}

/**
 * Pairs the images of a folder with the label PNGs of the same name in another folder, recursively, sorted by name. A
 * label may also be named after its image with an end such as `_mask`.
 *
 * @param options.listed pairs to use; default: all
 * @param options.labelEnd end of the names of labels; other files are left out
 * @throws DataError if there are no images, or that names up to five unpaired images or labels
 */
export function pairFiles(
  imageFolder: string,
  labelFolder: string,
  { listed, labelEnd = '.png' }: PairOptions = {},
): readonly SegmentationSample[] {
  const isSame = imageFolder === labelFolder;
  const images = filesByName(
    imageFolder,
    (path) => isImageName(path) && !(isSame && isMaskName(withoutExtension(path))),
  );
  const isLabel = (path: string): boolean =>
    path.toLowerCase().endsWith(labelEnd.toLowerCase()) &&
    !(isSame && !isMaskName(withoutExtension(path)));
  const labels = filesByName(labelFolder, isLabel);
  if (images.size === 0)
    throw LayoutError.in(imageFolder, `expected images, got none${othersIn(imageFolder)}`);
  if (labels.size === 0)
    throw LayoutError.in(labelFolder, `expected label PNGs, got none${othersIn(labelFolder)}`);
  const byKey = new Map([...labels].map(([name, file]) => [maskKey(name), file]));
  const samples: SegmentationSample[] = [];
  const alone: string[] = [];
  const used = new Set<string>();
  const missing = [...(listed?.stems ?? [])].find(([name]) => !images.has(name));
  if (listed && missing !== undefined)
    throw LayoutError.in(
      listed.file,
      `expected names of images in ${imageFolder}, got ${quote(missing[1])}`,
    );
  for (const [name, file] of images) {
    if (listed && !listed.stems.has(name)) continue;
    const labelFile =
      labels.get(name) ?? byKey.get(name.normalize('NFC')) ?? byKey.get(imageKey(name));
    if (labelFile === undefined) alone.push(file);
    else {
      samples.push({ file, labelFile });
      used.add(labelFile);
    }
  }
  if (!listed) for (const file of labels.values()) if (!used.has(file)) alone.push(file);
  if (alone.length > 0) {
    const more = alone.length > 5 ? ` and ${alone.length - 5} more` : '';
    throw new LayoutError(
      `${imageFolder}: expected a label in ${labelFolder} for every image and the reverse, got none for ${alone.slice(0, 5).join(', ')}${more}`,
      { file: alone[0] },
    );
  }
  return samples;
}

/** Files by relative path without extension, with `/`, in order of that path. */
function filesByName(
  folder: string,
  wanted: (path: string) => boolean,
): ReadonlyMap<string, string> {
  const paths = filesIn(folder).toSorted();
  const found = new Map<string, string>();
  for (const path of paths) {
    if (!wanted(path)) continue;
    const name = withoutExtension(relative(folder, path)).replaceAll('\\', '/');
    const earlier = found.get(name);
    if (earlier !== undefined)
      throw LayoutError.in(path, `expected one file of this name, got ${basename(earlier)}, too`);
    found.set(name, path);
  }
  return found;
}

function filesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) throw LayoutError.in(folder, 'expected a folder, got none');
  return filesBelow(folder).flatMap(([path, target]) => (target === undefined ? [] : [path]));
}

const withoutExtension = (path: string): string =>
  path.slice(0, path.length - extname(path).length);

/** Describes the other files of a folder, for messages. */
function othersIn(folder: string): string {
  const files = filesIn(folder);
  const lossy = files.filter((file) => /\.(jpe?g|jfif|webp)$/i.test(file)).length;
  if (lossy > 0 && lossy === files.length)
    return `; ${lossy} are JPEG or WebP, which change label values: save them as PNG`;
  const skipped = describeSkipped(files.filter((file) => !isImageName(file)));
  return skipped === undefined ? '' : `; ${skipped}`;
}
