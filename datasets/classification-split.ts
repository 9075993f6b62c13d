import { ConfigError } from '../core/errors.js';
import { stratify } from './divide/stratify.js';
import type { ClassEntry } from './class-list.js';
import { hasSplit, readImageNet, type ClassificationSet } from './imagenet.js';
import type { ClassificationData, DataOptions } from './layout/types.js';
import { assertDivisible, type SplitRule, type SplitSet } from './split.js';

/** Name of the layout of {@link readImageNet}. */
const LAYOUT: ClassificationData['layout'] = 'imagenet';

/** Options of {@link readClassificationSplit}. */
interface ClassificationSplitOptions extends Pick<DataOptions, 'valFraction' | 'seed' | 'layout'> {
  readonly split: 'train' | 'val';
  /** Classes by index, e.g. those of a checkpoint. */
  readonly known?: readonly ClassEntry[] | undefined;
}

/**
 * Reads a split of a classification set; one without splits is divided if a fraction is given.
 *
 * @throws ConfigError for a fraction of a set with splits; DataError as {@link readImageNet}
 */
export function readClassificationSplit(
  root: string,
  { split, known, valFraction, seed = 0, layout = LAYOUT }: ClassificationSplitOptions,
): ClassificationSet {
  if (layout !== LAYOUT)
    throw new ConfigError(`--layout ${layout}: expected a layout that fits ${root}, got ${LAYOUT}`);
  const set = readImageNet(root, { split, classes: known });
  if (valFraction === undefined) return set;
  assertDivisible(valFraction, set.split === 'all', `${root}: ${set.layout}`);
  return splitClassification(set, { valFraction, seed })[split];
}

/** Whether held-out images are read by {@link readClassificationSplit}. */
export const hasHeldOut = (
  root: string,
  { valFraction }: Pick<DataOptions, 'valFraction'>,
): boolean => valFraction !== undefined || hasSplit(root, 'val');

/**
 * Splits a set in two at random, with the fraction of each class, as `data split` does.
 *
 * @throws ConfigError as {@link stratify}
 */
export function splitClassification(
  set: ClassificationSet,
  { valFraction, seed }: SplitRule,
): SplitSet<ClassificationSet> {
  const { samples, layout, folder = layout } = set;
  const images = samples.map(({ file, classIndex }) => ({ group: file, classes: [classIndex] }));
  const parts = stratify(images, { valFraction, testFraction: 0, seed }, folder);
  const part = (split: 'train' | 'val'): ClassificationSet => ({
    ...set,
    split,
    samples: (parts[split] ?? []).map((i) => samples[i]),
  });
  return { train: part('train'), val: part('val') };
}
