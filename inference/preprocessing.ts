import { OptionError } from '../core/errors.js';
import type { PixelStats } from '../datasets/transforms/normalize.js';
import type { ClassifierCard, DetectorCard, SegmenterCard } from './card.js';

/** Preprocessing instead of that of a model card. */
export interface PreprocessingOptions {
  /** Mean of red, green and blue, where 1 is white: for weight files that do not say it. */
  readonly mean?: readonly number[] | undefined;
  /** Standard deviation of red, green and blue, where 1 is white: for weight files that do not say it. */
  readonly std?: readonly number[] | undefined;
  /** Fraction of the resized short side that a classifier's crop keeps: for weight files that do not say it. */
  readonly crop?: number | undefined;
}

/** Largest mean and standard deviation: larger ones are on the scale of 0 to 255. */
const MAX_STATISTIC = 4;

/**
 * Checks the options and replaces those parts of a model card.
 *
 * @param own the checkpoint, if the card is its own
 * @throws ConfigError for values out of range, a checkpoint with its own card, and a crop for another task than `classify`
 */
export function withPreprocessing<Card extends ClassifierCard | DetectorCard | SegmenterCard>(
  card: Card,
  { mean, std, crop }: PreprocessingOptions,
  own?: string,
): Card {
  if (mean === undefined && std === undefined && crop === undefined) return card;
  if (own !== undefined)
    throw new OptionError(
      `mean, std, crop: expected a weight file without model card, got ${own}, which has its preprocessing`,
    );
  const pixels = {
    mean: mean === undefined ? card.pixels.mean : channels('mean', mean),
    std: std === undefined ? card.pixels.std : channels('std', std),
  } as PixelStats;
  if (crop === undefined) return { ...card, pixels };
  if (card.task !== 'classify')
    throw new OptionError(`crop: expected a classifier, got the task ${card.task}`);
  if (!(crop > 0 && crop <= 1))
    throw new OptionError(`crop: expected a fraction above 0 and up to 1, got ${crop}`);
  return { ...card, pixels, resize: { ...card.resize, mode: 'crop', cropFraction: crop } };
}

function channels(name: 'mean' | 'std', values: readonly number[]): readonly number[] {
  const lowest = name === 'mean' ? -MAX_STATISTIC : Number.MIN_VALUE;
  const isSound =
    Array.isArray(values) &&
    values.length === 3 &&
    values.every((value) => value >= lowest && value <= MAX_STATISTIC);
  if (isSound) return values;
  const got = Array.isArray(values) ? values.join(', ') : String(values);
  throw new OptionError(
    `${name}: expected three numbers ${name === 'std' ? 'above 0 ' : ''}where 1 is white (divide those of 0 to 255 by 255), got ${got}`,
  );
}
