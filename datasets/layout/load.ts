import { assertObject } from '../../core/arguments.js';
import { ConfigError } from '../../core/errors.js';
import { rethrowInOptionWords } from '../../core/option-words.js';
import * as rule from '../../core/options.js';
import { firstImages, loadCoco, splitCoco, type CocoSet } from '../coco/set.js';
import type { SegmentationSet } from '../segmentation-folder.js';
import { loadSegmentation } from '../segmentation-source.js';
import { splitSamples } from '../split.js';
import type { DetectionData, SegmentationData, SplitName } from './types.js';

/** Options of loading a split. */
interface SplitOptions {
  /** Number of images from the beginning; default: all. */
  readonly limit?: number | undefined;
}

const RULES: rule.OptionRules<SplitOptions> = { limit: rule.wholeFrom(1, ' of images') };

/**
 * Loads a split of a detection set; an undivided set is divided by its rule.
 *
 * @throws ConfigError if there is no such split
 * @throws DataError if the annotations are invalid
 */
export function loadDetectionSplit(
  data: DetectionData,
  split: SplitName,
  options: SplitOptions = {},
): Promise<CocoSet> {
  return detectionSplit(data, split, options).catch(rethrowInOptionWords);
}

async function detectionSplit(
  data: DetectionData,
  split: SplitName,
  options: SplitOptions,
): Promise<CocoSet> {
  assertObject('loadDetectionSplit', 'a layout that detectLayout returned', data, 'splits');
  rule.assertOptions('loadDetectionSplit', options, RULES);
  const { splitRule, splits } = data;
  if (splitRule && split !== 'test') {
    const source = splits['train'];
    const part = splitCoco(await loadCoco(source), splitRule)[split];
    return options.limit === undefined ? part : firstImages(part, options.limit);
  }
  const part = partOf(data, split);
  const limits = [options.limit, part.limit].filter((limit) => limit !== undefined);
  return loadCoco({ ...part, limit: limits.length > 0 ? Math.min(...limits) : undefined });
}

/**
 * Loads a split of a segmentation set; an undivided set is divided by its rule.
 *
 * @throws ConfigError if there is no such split
 * @throws DataError if an image or label is unpaired
 */
export function loadSegmentationSplit(
  data: SegmentationData,
  split: SplitName,
  options: SplitOptions = {},
): Promise<SegmentationSet> {
  return segmentationSplit(data, split, options).catch(rethrowInOptionWords);
}

async function segmentationSplit(
  data: SegmentationData,
  split: SplitName,
  options: SplitOptions,
): Promise<SegmentationSet> {
  assertObject('loadSegmentationSplit', 'a layout that detectLayout returned', data, 'splits');
  rule.assertOptions('loadSegmentationSplit', options, RULES);
  const { splitRule, splits } = data;
  const isDivided = splitRule !== undefined && split !== 'test';
  const part = await loadSegmentation(isDivided ? splits['train'] : partOf(data, split));
  const set = isDivided ? splitSamples(part, splitRule, part.source)[split] : part;
  const { limit } = options;
  return limit === undefined ? set : { ...set, samples: set.samples.slice(0, limit) };
}

function partOf<Source>(
  data: { readonly root: string; readonly splits: Readonly<Record<string, Source>> },
  split: SplitName,
): Source {
  const source = data.splits[split] as Source | undefined;
  if (source !== undefined) return source;
  const remedy =
    split === 'val' && 'train' in data.splits
      ? '; give --val-fraction to divide the images, or a data.yaml that names both splits'
      : '';
  throw new ConfigError(
    `${data.root}: expected a split "${split}", got ${Object.keys(data.splits).join(', ')}${remedy}`,
  );
}
