import { sum } from '../core/statistics.js';
import { ConfigError } from '../core/errors.js';
import * as t from '../core/schema.js';

/**
 * Weights of the classes in a classifier's loss:
 * - `given`: by class index
 * - `balanced`: N / (K · number of images of the class), so that all classes weigh the same in total
 */
export const ClassWeights = t.byKind(
  t.record({ kind: t.literal('given'), values: t.list(t.NON_NEGATIVE) }),
  t.record({ kind: t.literal('balanced') }),
);
export type ClassWeights = t.Infer<typeof ClassWeights>;

/** Checks that weights are one for each class, and not all 0. @throws ConfigError naming the classes */
export function assertClassWeights(
  weights: readonly number[] | undefined,
  classNames: readonly string[],
): void {
  if (weights === undefined) return;
  const names = classNames.slice(0, 5).join(', ');
  if (weights.length !== classNames.length)
    throw new ConfigError(
      `classWeights: expected ${classNames.length} weights, one for each class (${names}${classNames.length > 5 ? ', …' : ''}), got ${weights.length}`,
    );
  if (weights.every((weight) => weight === 0))
    throw new ConfigError('classWeights: expected one above 0, got only 0');
}

/**
 * Computes the weights of the classes.
 *
 * @param labels `[N]`, class indices; −1 does not count
 * @returns `[K]`; undefined without weights. A class without images has weight 0.
 * @throws ConfigError as {@link assertClassWeights}
 */
export function classWeightsOf(
  weights: ClassWeights | undefined,
  labels: readonly number[],
  classNames: readonly string[],
): readonly number[] | undefined {
  if (weights?.kind === 'given') assertClassWeights(weights.values, classNames);
  switch (weights?.kind) {
    case undefined:
      return undefined;
    case 'given':
      return weights.values;
    case 'balanced': {
      const counts = new Float64Array(classNames.length);
      for (const label of labels) if (label >= 0) counts[label]++;
      const total = sum(counts);
      return Array.from(counts, (count) => (count === 0 ? 0 : total / (classNames.length * count)));
    }
    default:
      return weights satisfies never;
  }
}
