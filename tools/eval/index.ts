import { ConfigError } from '../../core/errors.js';
import type { LocatedModel } from '../model/locate.js';
import { assertWritableFolder } from '../../io/files/out-folder.js';
import type { EvalReport, EvalRequest } from './request.js';

/** Runs a model over a data set and scores it. @throws ConfigError, DataError, WeightsError */
export async function evaluateModel(
  located: LocatedModel,
  request: EvalRequest,
): Promise<EvalReport> {
  if (request.out !== undefined) assertWritableFolder(request.out);
  switch (located.task) {
    case 'classify':
      return (await import('./classify.js')).evalClassify(located, request);
    case 'detect':
      return (await import('./detect.js')).evalDetect(located, request);
    case 'segment':
      return (await import('./segment.js')).evalSegment(located, request);
    case 'pretrain':
      throw new ConfigError(
        `eval: expected a model for classify, detect or segment, got ${located.task}`,
      );
    default:
      return located.task satisfies never;
  }
}
