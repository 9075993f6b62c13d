import { WeightsError } from '../core/errors.js';
import type { Backbone } from '../engine/backbone.js';
import { readClassList } from '../datasets/class-list.js';
import type { Which } from '../weights/select.js';
import type { ModelCard } from './card.js';
import type { PreprocessingOptions } from './preprocessing.js';

/** Options for weight files without model card. */
export interface LoadOptions extends PreprocessingOptions {
  /** Choice between trained weights and their EMA. */
  readonly which?: Which | undefined;
  /** Custom backbone, for checkpoints of models with one. */
  readonly backbone?: Backbone | undefined;
  /** Class names by index, or a file of {@link readClassList}: for weight files without them. */
  readonly classes?: string | readonly string[] | undefined;
  /** Size of the input in pixels, for weight files without it: side for classifiers, short side for others. */
  readonly size?: number | undefined;
  /** Model card of a published file, which has none of its own. */
  readonly published?: ModelCard | undefined;
}

/**
 * Determines the class names of a weight file without them.
 *
 * @param classes a list or a file with one; default: `known` if the number of classes matches, else numbers
 * @throws WeightsError if the number of names differs
 */
export function classNamesOf(
  file: string,
  numClasses: number,
  classes: LoadOptions['classes'],
  known: readonly string[] = [],
): readonly string[] {
  if (classes === undefined)
    return numClasses === known.length
      ? known
      : Array.from({ length: numClasses }, (_, k) => `class ${k}`);
  const names =
    typeof classes === 'string' ? readClassList(classes).map(({ name }) => name) : classes;
  if (names.length === numClasses) return names;
  throw new WeightsError(
    `${file}: expected ${numClasses} class names, got ${names.length}${typeof classes === 'string' ? ` in ${classes}` : ''}`,
    { file },
  );
}
