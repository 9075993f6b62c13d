import { DataError } from '../../core/errors.js';
import { alignDetection } from '../../datasets/align-classes.js';
import { firstImages, type CocoSet } from '../../datasets/coco/set.js';
import type { DetectorModel } from '../../inference/model.js';
import type { EvaluationOptions } from '../evaluation.js';
import { inspectForEvaluation } from '../inspect.js';
import { loadEvaluated } from '../tasks/find-data.js';
import { inspectDetectionData } from './inspect.js';

/**
 * Loads and inspects a data set for the evaluation of a detector, with the classes in the model's order.
 *
 * @param data path of annotations and images (loaded up to `limit`), or set, which is returned whole
 * @throws DataError if the set has other classes than the model, or unusable records
 */
export async function evaluatedSet(
  model: DetectorModel,
  data: string | CocoSet,
  options: EvaluationOptions,
): Promise<CocoSet> {
  const { limit, split = 'val', onNotice } = options;
  const loaded =
    typeof data === 'string' ? await loadEvaluated('detection', data, options, limit) : data;
  const { set, line } = alignDetection(loaded, model.classNames, { owner: model.file });
  if (line !== undefined) onNotice?.(line);
  if (set.images.ids.length === 0) throw new DataError('eval: expected images, got none');
  const { limits, detector } = model.card;
  const isWhole = typeof data === 'string' || limit === undefined;
  await inspectForEvaluation(
    split,
    isWhole ? set : firstImages(set, limit),
    { masks: detector.masks !== null, keepEmpty: true, limits },
    { inspect: inspectDetectionData, onNotice },
  );
  return set;
}
