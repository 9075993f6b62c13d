import { readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { DataError } from '../core/errors.js';
import { isImageName } from '../io/files/images.js';
import type { SegmentationSample } from './sample.js';

/**
 * Pairs the images of a folder with the label PNGs of the same name in another folder, recursively, sorted by name.
 *
 * @throws DataError if there are no images, or that names up to five unpaired images or labels
 */
export function pairFiles(imageFolder: string, labelFolder: string): readonly SegmentationSample[] {
  const images = filesByName(imageFolder, isImageName);
  const labels = filesByName(labelFolder, (path) => /\.png$/i.test(path));
  if (images.size === 0) throw DataError.in(imageFolder, 'expected JPEG or PNG images, got none');
  if (labels.size === 0) throw DataError.in(labelFolder, 'expected label PNGs, got none');
  const samples: SegmentationSample[] = [];
  const alone: string[] = [];
  for (const [name, file] of images) {
    const labelFile = labels.get(name);
    if (labelFile === undefined) alone.push(file);
    else samples.push({ file, labelFile });
  }
  for (const [name, file] of labels) if (!images.has(name)) alone.push(file);
  if (alone.length > 0) {
    const more = alone.length > 5 ? ` and ${alone.length - 5} more` : '';
    throw new DataError(
      `${imageFolder}: expected a label in ${labelFolder} for every image and the reverse, got none for ${alone.slice(0, 5).join(', ')}${more}`,
      { file: alone[0] },
    );
  }
  return samples;
}

/** Files by relative path without extension, in order of that path. */
function filesByName(
  folder: string,
  wanted: (path: string) => boolean,
): ReadonlyMap<string, string> {
  let paths: readonly string[];
  try {
    paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch (cause) {
    throw DataError.in(folder, 'expected a folder, got none', { cause });
  }
  const found = new Map<string, string>();
  for (const path of paths.toSorted()) {
    if (!wanted(path) || isHidden(path)) continue;
    const name = path.slice(0, path.length - extname(path).length);
    const earlier = found.get(name);
    if (earlier !== undefined)
      throw DataError.in(join(folder, path), `expected one file of this name, got ${earlier}, too`);
    found.set(name, join(folder, path));
  }
  return found;
}

/** Whether a file is like `._image.jpg`, which macOS adds to archives. */
function isHidden(path: string): boolean {
  return path.split(/[/\\]/).some((part) => part.startsWith('.'));
}
