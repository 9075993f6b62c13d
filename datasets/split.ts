import { ConfigError } from '../core/errors.js';
import { Random } from '../core/random.js';

/** Rule to divide a set that has no validation split. */
export interface SplitRule {
  /** Fraction of the images for `val`, rounded, at least one in each split. */
  readonly valFraction: number;
  readonly seed: number;
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
): { readonly train: readonly number[]; readonly val: readonly number[] } {
  const count = order.length;
  if (!(valFraction > 0 && valFraction < 1))
    throw new ConfigError(`valFraction: expected a number between 0 and 1, got ${valFraction}`);
  if (count < 2)
    throw new ConfigError(
      `valFraction: expected at least 2 images to split in ${source}, got ${count}`,
    );
  const shuffled = new Random(seed).shuffle([...order]);
  const numVal = Math.min(count - 1, Math.max(1, Math.round(valFraction * count)));
  const ascending = (indices: number[]): number[] => indices.sort((a, b) => a - b);
  return { train: ascending(shuffled.slice(numVal)), val: ascending(shuffled.slice(0, numVal)) };
}
