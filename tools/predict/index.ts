import { ConfigError } from '../../core/errors.js';
import type { LocatedModel } from '../model/locate.js';
import { assertWritableFolder } from '../../io/files/out-folder.js';
import type { PredictRequest } from './request.js';

/**
 * Predicts image files, printing results as they come and writing what the task has to `--out`.
 *
 * @returns what `--json` prints
 * @throws ConfigError, DataError, WeightsError
 */
export async function predictFiles(
  located: LocatedModel,
  request: PredictRequest,
): Promise<object> {
  if (request.out !== undefined) assertWritableFolder(request.out);
  switch (located.task) {
    case 'classify':
      return (await import('./classify.js')).predictClassify(located, request);
    case 'detect':
      return (await import('./detect.js')).predictDetect(located, request);
    case 'segment':
      return (await import('./segment.js')).predictSegment(located, request);
    case 'pretrain':
      throw new ConfigError(
        `predict: expected a model for classify, detect or segment, got ${located.task}`,
      );
    default:
      return located.task satisfies never;
  }
}
