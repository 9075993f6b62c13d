import { listedClasses } from './class-file.js';
import { readTables } from '../annotations/read.js';
import { recognizedDetection, type RecognizedSet } from './recognized.js';
import type { DetectionData } from './types.js';

/**
 * Completes the parts of a set whose class names are those that occur: all get the classes of a list beside them
 * (`classes.txt`), or else those that occur in any of them, sorted unless the format orders them. Problems of records are
 * reported when the set is read.
 *
 * @param set with the name of the format alone: `LabelMe`
 * @throws DataError if a part cannot be read at all
 */
export async function completeParts(
  set: Omit<RecognizedSet, 'counts' | 'names'>,
): Promise<DetectionData> {
  const listed = listedClasses(set.root);
  const found = new Set<string>();
  const counts: number[] = [];
  let [isSorted, hasMasks] = [true, false];
  for (const [, source] of set.splits) {
    const tables = await readTables(source, () => undefined, { masks: false });
    const own = tables.categories.map((category) => category.name);
    isSorted &&= own.every((label, k) => k === 0 || own[k - 1] < label);
    own.forEach((label) => found.add(label));
    counts.push(tables.images.ids.length);
    const { maskExtents, maskSizes } = tables.annotations;
    hasMasks ||= maskExtents.some((value) => !Number.isNaN(value)) || maskSizes.some((n) => n > 0);
  }
  const occurring = [...found];
  if (isSorted) occurring.sort();
  const name = `${set.name} ${hasMasks ? 'polygons and masks' : 'boxes'}`;
  return recognizedDetection({ ...set, name, counts, names: listed ?? occurring });
}
