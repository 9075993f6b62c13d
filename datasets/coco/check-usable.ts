import { ConfigError } from '../../core/errors.js';
import type { ProblemLog } from '../problems.js';
import { createClassMap } from './class-map.js';
import { COCO_PROBLEMS as PROBLEMS } from './problem-kinds.js';
import type { AnnotationSource } from '../annotations/source.js';
import { createCocoSet, firstImages, type CocoSet } from './set.js';
import type { CocoTables } from '../../io/coco/annotations.js';

/**
 * Builds the set of valid records, unless there are no images or categories, or requested classes are unknown, which is
 * reported. Invalid records have been reported before.
 *
 * @param imageIndices `[A]`, as `checkCocoTables` returns them
 * @returns undefined if there is any error
 */
export function usableSet(
  tables: CocoTables,
  imageIndices: Int32Array,
  source: AnnotationSource,
  log: ProblemLog,
): CocoSet | undefined {
  if (log.count('error') > 0) return undefined;
  const { file, images, categories } = tables;
  if (images.ids.length === 0 || categories.length === 0) {
    for (const [name, { length }] of Object.entries({ images: images.ids, categories }))
      if (length === 0)
        log.add(PROBLEMS.empty, { file, message: `${name}: expected at least one, got none` });
    return undefined;
  }
  try {
    createClassMap(categories, source.classes);
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    log.add(PROBLEMS.classes, { file, message: cause.message });
    return undefined;
  }
  const set = createCocoSet(tables, imageIndices, source);
  return source.limit === undefined ? set : firstImages(set, source.limit);
}
