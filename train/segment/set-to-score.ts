import { alignSegmentation } from '../../datasets/align-classes.js';
import { loadSegmentationSplit } from '../../datasets/layout/load.js';
import type { SegmentationSet } from '../../datasets/segmentation-folder.js';
import type { SegmenterModel } from '../../inference/model.js';
import { dataOptionsIn, type EvaluationOptions } from '../evaluation.js';
import { inspectForEvaluation } from '../inspect.js';
import { findData } from '../tasks/find-data.js';
import { inspectSegmentationData } from './inspect.js';

/**
 * Loads a set to score a segmenter on, with the class indices of the model, and inspects it.
 *
 * @param data path of images and label maps, or set
 * @throws DataError if the set has other classes, or its files are damaged
 */
export async function setToScore(
  { classNames, card, file }: SegmenterModel,
  data: string | SegmentationSet,
  options: EvaluationOptions,
): Promise<SegmentationSet> {
  const { split = 'val', limit, onNotice } = options;
  const loaded = typeof data === 'string' ? await load(data, options) : data;
  const { set, line } = alignSegmentation(loaded, classNames, { owner: file });
  if (line !== undefined) onNotice?.(line);
  const verdict = await inspectForEvaluation(
    split,
    { ...set, samples: set.samples.slice(0, limit) },
    inspectSegmentationData,
    { masks: false, keepEmpty: true, limits: card.limits },
  );
  verdict.lines.forEach((text) => onNotice?.(text));
  verdict.throwErrors();
  return set;
}

async function load(
  path: string,
  { split = 'val', onNotice, ...options }: EvaluationOptions,
): Promise<SegmentationSet> {
  const { data } = await findData('segmentation', path, dataOptionsIn(options));
  onNotice?.(data.line);
  return loadSegmentationSplit(data, split);
}
