import { assertDivisible, describeSplit } from '../split.js';
import type { DataLayout, LayoutOptions } from './types.js';

/** Layouts that are divided only on request, because they have been so from the beginning. */
const UNDIVIDED: ReadonlySet<string> = new Set<DataLayout['layout']>([
  'coco',
  'roboflow',
  'file',
  'yaml',
  'ade20k',
  'folder',
]);
/** Fraction of the images held out by default. */
const DEFAULT_VAL_FRACTION = 0.2;

/**
 * Gives a set the rule by which it is divided: that of the options, or the default one of its layout.
 *
 * @throws ConfigError if a fraction is given, but is none or not needed
 */
export function withSplitRule(data: DataLayout, options: LayoutOptions): DataLayout {
  const { valFraction, seed = 0, kind } = options;
  if (valFraction === undefined) return kind === data.kind ? dividedByDefault(data) : data;
  const isWhole =
    data.kind !== 'classification' && !('val' in data.splits) && 'train' in data.splits;
  assertDivisible(valFraction, isWhole, data.line);
  if (data.kind === 'classification') return data; // refused
  const splitRule = { valFraction, seed };
  return { ...data, line: `${data.line}; ${describeSplit(splitRule)}`, splitRule };
}

/** Divides a set without validation part. The seed is fixed, so that every command holds out the same images. */
function dividedByDefault(data: DataLayout): DataLayout {
  if (data.kind === 'classification' || UNDIVIDED.has(data.layout)) return data;
  if ('val' in data.splits || !('train' in data.splits)) return data;
  const percent = 100 * DEFAULT_VAL_FRACTION;
  const line = `${data.line}; no validation part: ${percent} % of the images are held out, seed 0 (--val-fraction changes it)`;
  return { ...data, line, splitRule: { valFraction: DEFAULT_VAL_FRACTION, seed: 0 } };
}
