import { WeightsError } from '../core/errors.js';
import type { Backbone } from '../engine/backbone.js';
import { readClassList } from '../datasets/class-list.js';
import type { Which } from '../weights/select.js';

/** What a user may say about weights beside where they are. */
export interface LoadOptions {
  /** Trained weights, or their moving average. */
  readonly which?: Which | undefined;
  /** The network's backbone, for checkpoints of models with one of the caller's own. */
  readonly backbone?: Backbone | undefined;
  /** Class names by index, or a file of {@link readClassList}: for weight files that have none. */
  readonly classes?: string | readonly string[] | undefined;
  /** Size of the input, pixels, for weight files that do not say it: side of a classifier's, short side of others'. */
  readonly size?: number | undefined;
}

/**
 * Names for the classes of a weight file that has none.
 *
 * @param classes a list or a file with one; else `known` where there are as many classes, else numbers
 * @throws WeightsError if there are not as many
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
