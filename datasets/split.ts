import { ConfigError } from '../core/errors.js';
import { Random } from '../core/random.js';

/** Rule to divide a set that has no validation split. */
export interface SplitRule {
  /** Fraction of the images for `val`, rounded, at least one in each split. */
  readonly valFraction: number;
  readonly seed: number;
}

/** Parts of a divided set. */
export interface SplitSet<Set> {
  readonly train: Set;
  readonly val: Set;
}

/**
 * Divides images in two at random.
 *
 * @param order indices of the images, in an order that does not depend on the file's
 * @param source for messages
 * @returns indices of each split, ascending
 * @throws ConfigError if the fraction is not between 0 and 1, or there are fewer than two images
 */
export function drawSplit(
  order: readonly number[],
  { valFraction, seed }: SplitRule,
  source: string,
): SplitSet<readonly number[]> {
  const count = order.length;
  assertFraction('valFraction', valFraction);
  if (count < 2)
    throw new ConfigError(
      `valFraction: expected at least 2 images to split in ${source}, got ${count}`,
    );
  const shuffled = new Random(seed).shuffle([...order]);
  const numVal = Math.min(count - 1, Math.max(1, Math.round(valFraction * count)));
  const ascending = (indices: number[]): number[] => indices.sort((a, b) => a - b);
  return { train: ascending(shuffled.slice(numVal)), val: ascending(shuffled.slice(0, numVal)) };
}

/** Splits a set of samples in two at random; both splits keep the order. @throws ConfigError as {@link drawSplit} */
export function splitSamples<Set extends { readonly samples: readonly unknown[] }>(
  set: Set,
  rule: SplitRule,
  source: string,
): SplitSet<Set> {
  const { samples } = set;
  const { train, val } = drawSplit([...samples.keys()], rule, source);
  const part = (indices: readonly number[]): Set => ({
    ...set,
    samples: indices.map((i) => samples[i]),
  });
  return { train: part(train), val: part(val) };
}

/** Describes a division: `0.2 of the images for validation, seed 0`. */
export const describeSplit = ({ valFraction, seed }: SplitRule): string =>
  `${valFraction} of the images for validation, seed ${seed}`;

/**
 * Checks an option before a set is divided.
 *
 * @param got the set, for messages
 * @throws ConfigError if the fraction is not between 0 and 1, or the set is not to be divided
 */
export function assertDivisible(valFraction: number, isDivisible: boolean, got: string): void {
  assertFraction('--val-fraction', valFraction);
  if (!isDivisible)
    throw new ConfigError(
      `--val-fraction: expected a set without splits to divide, got ${got}; leave the option out`,
    );
}

function assertFraction(name: string, valFraction: number): void {
  if (!(valFraction > 0 && valFraction < 1))
    throw new ConfigError(`${name}: expected a number between 0 and 1, got ${valFraction}`);
}
