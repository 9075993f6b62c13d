import { LayoutError } from '../../core/errors.js';
import type { CocoSet } from '../../datasets/coco/set.js';
import { findLayout } from '../../datasets/layout/detect.js';
import { loadDetectionSplit, loadSegmentationSplit } from '../../datasets/layout/load.js';
import type { LayoutOptions, SplitName } from '../../datasets/layout/types.js';
import type { SegmentationSet } from '../../datasets/segmentation-folder.js';
import { counted } from '../data-facts.js';
import { dataOptionsIn, type EvaluationOptions } from '../evaluation.js';
import type { LoadedData, LoadOptions } from './task.js';

/** Sets by the kind of their layout. */
interface Sets {
  readonly detection: CocoSet;
  readonly segmentation: SegmentationSet;
}

const EXPECTED: Readonly<Record<keyof Sets, string>> = {
  detection: 'images with boxes or masks',
  segmentation: 'images with label maps',
};

/** A data set whose layout was found. */
interface FoundData<Kind extends keyof Sets> {
  /** Description for people. */
  readonly line: string;
  readonly hasValidation: boolean;
  /** Loads a split, or its first images. @throws ConfigError if there is no such split; DataError */
  load(split: SplitName, limit?: number): Promise<Sets[Kind]>;
}

/**
 * Finds the data of one kind at a path, and whether it has a validation split.
 *
 * @throws DataError naming the detected kind if it differs
 */
export async function findData<Kind extends keyof Sets>(
  kind: Kind,
  path: string,
  options: LayoutOptions = {},
): Promise<FoundData<Kind>> {
  const data = await findLayout(path, { ...options, kind });
  if (data.kind !== kind)
    throw new LayoutError(`${path}: expected ${EXPECTED[kind]}, got a set for ${data.kind}`);
  const load = (split: SplitName, limit?: number): Promise<Sets[keyof Sets]> =>
    data.kind === 'detection'
      ? loadDetectionSplit(data, split, { limit })
      : loadSegmentationSplit(data, split, { limit });
  return {
    line: data.line,
    hasValidation: 'splitRule' in data || 'val' in data.splits,
    load: load as FoundData<Kind>['load'],
  };
}

/** Loads the sets of a run. @param sizeOf counts images and classes for people @throws as {@link findData} */
export async function loadSets<Kind extends keyof Sets>(
  kind: Kind,
  path: string,
  options: LoadOptions,
  sizeOf: (set: Sets[Kind]) => { readonly images: number; readonly classes: number },
): Promise<LoadedData<Sets[Kind]>> {
  const { line, hasValidation, load } = await findData(kind, path, options);
  const training = await load('train');
  const validation = hasValidation ? await load('val') : undefined;
  const { images, classes } = sizeOf(training);
  const counts = [
    `${counted(images, 'training image')}, ${counted(classes, 'class', 'classes')}`,
    validation
      ? counted(sizeOf(validation).images, 'validation image')
      : 'no validation images: --val-fraction 0.2 holds some out',
  ];
  return { training, validation, lines: [line, counts.join('; ')] };
}

/** Loads the split that a model is evaluated on. @throws as {@link findData} */
export async function loadEvaluated<Kind extends keyof Sets>(
  kind: Kind,
  path: string,
  options: EvaluationOptions,
  limit?: number,
): Promise<Sets[Kind]> {
  const { line, load } = await findData(kind, path, dataOptionsIn(options));
  options.onNotice?.(line);
  return load(options.split ?? 'val', limit);
}
