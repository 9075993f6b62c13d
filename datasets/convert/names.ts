import { posix } from 'node:path';
import { isEmbedded } from '../../io/image/bytes.js';
import type { CocoSet } from '../coco/set.js';
import { withoutExtension } from '../annotations/image-index.js';

/**
 * Names the images of a converted set: as they are, but without folders that lead out of it, and such that no two share
 * a label file, for which the extension does not count. Images embedded in annotation files become PNGs.
 *
 * @param sets whose images are in one folder
 * @returns names with `/`, for each set
 */
export function imageNames(sets: readonly CocoSet[]): readonly (readonly string[])[] {
  const taken = new Set<string>();
  return sets.map(({ images }) =>
    images.fileNames.map((fileName) => {
      const path = posix.normalize(fileName.replaceAll('\\', '/'));
      const stem = withoutExtension(path);
      const extension = path.slice(stem.length);
      return freeStem(stem, taken) + (isEmbedded(path) ? '.png' : extension);
    }),
  );
}

/** A name without extension, numbered where it is taken; case does not count, as in some file systems. @param taken in lower case; the name is added */
export function freeStem(stem: string, taken: Set<string>): string {
  let name = stem;
  for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${stem}-${n}`;
  taken.add(name.toLowerCase());
  return name;
}
