import { alignSegmentation } from '../../datasets/align-classes.js';
import type { SegmentationSet } from '../../datasets/segmentation-folder.js';
import type { SegmenterModel } from '../../inference/model.js';
import type { EvaluationOptions } from '../evaluation.js';
import { inspectForEvaluation } from '../inspect.js';
import { loadEvaluated } from '../tasks/find-data.js';
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
  const loaded =
    typeof data === 'string' ? await loadEvaluated('segmentation', data, options) : data;
  const { set, line } = alignSegmentation(loaded, classNames, { owner: file });
  if (line !== undefined) onNotice?.(line);
  await inspectForEvaluation(
    split,
    { ...set, samples: set.samples.slice(0, limit) },
    { masks: false, keepEmpty: true, limits: card.limits },
    { inspect: inspectSegmentationData, onNotice },
  );
  return set;
}
