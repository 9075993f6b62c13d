import type { AnnotationSource } from '../annotations/source.js';
import { listedClasses } from './class-file.js';
import { readTables } from '../annotations/read.js';
import { recognizedDetection } from './recognized.js';
import type { DetectionData, SplitName } from './types.js';

/** Parts of a set whose class names are those that occur. */
interface FoundParts {
  readonly layout: DetectionData['layout'];
  readonly root: string;
  readonly splits: ReadonlyMap<SplitName, AnnotationSource>;
  /** Name of the format, `LabelMe`. */
  readonly name: string;
  readonly classes?: readonly string[] | undefined;
}

/**
 * Completes the parts of a set: all get the classes of a list beside them (`classes.txt`), or else those that occur in any
 * of them, sorted unless the format orders them. Problems of records are reported when the set is read.
 *
 * @throws DataError if a part cannot be read at all
 */
export async function completeParts({
  layout,
  root,
  splits,
  name,
  classes,
}: FoundParts): Promise<DetectionData> {
  const listed = listedClasses(root);
  const found = new Set<string>();
  const counts: number[] = [];
  let [isSorted, hasMasks] = [true, false];
  for (const source of splits.values()) {
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
  const names = listed ?? occurring;
  const complete = Object.fromEntries(
    [...splits].map(([split, source]) => [split, { ...source, names, classes }]),
  );
  return recognizedDetection(layout, root, complete, {
    name: `${name} ${hasMasks ? 'polygons and masks' : 'boxes'}`,
    counts,
    classes: classes ?? names,
  });
}
