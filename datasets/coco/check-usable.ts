import { ConfigError } from '../../core/errors.js';
import type { ProblemLog } from '../problems.js';
import { createClassMap } from './class-map.js';
import { COCO_PROBLEMS as PROBLEMS } from './problem-kinds.js';
import { trainableImages } from './samples.js';
import type { AnnotationSource } from '../annotations/source.js';
import { createCocoSet } from './set.js';
import type { CocoTables } from '../../io/coco/annotations.js';

/**
 * Reports problems that prevent training although every record is valid: no images or categories, requested classes that
 * the file lacks, and for training no image with annotations. Invalid records have been reported before.
 *
 * @param imageIndices `[A]`, as `checkCocoTables` returns them
 * @param options.isTrainingPart whether the split is for training, not only for evaluation
 */
export function checkUsable(
  tables: CocoTables,
  imageIndices: Int32Array,
  options: { readonly source: AnnotationSource; readonly isTrainingPart: boolean },
  log: ProblemLog,
): void {
  if (log.count('error') > 0) return;
  const { file, images, categories } = tables;
  if (images.ids.length === 0 || categories.length === 0) {
    for (const [name, { length }] of Object.entries({ images: images.ids, categories }))
      if (length === 0)
        log.add(PROBLEMS.empty, { file, message: `${name}: expected at least one, got none` });
    return;
  }
  try {
    createClassMap(categories, options.source.classes);
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    log.add(PROBLEMS.classes, { file, message: cause.message });
    return;
  }
  const set = createCocoSet(tables, imageIndices, options.source);
  if (options.isTrainingPart && trainableImages(set).length === 0)
    log.add(PROBLEMS.untrainable, {
      file,
      message: `expected images with annotations, got none among ${images.ids.length}`,
    });
}
