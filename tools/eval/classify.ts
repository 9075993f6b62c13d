import { readImageNet } from '../../datasets/imagenet.js';
import { openEngine } from '../../engine/runtime/engine.js';
import { evaluateClassifier } from '../../train/classification/evaluate.js';
import { openClassifier } from '../model/classifier.js';
import type { LocatedModel } from '../model/locate.js';
import { log } from '../output.js';
import type { EvalReport, EvalRequest } from './request.js';

/** Top-1, top-5 and loss of a classifier. @throws DataError, WeightsError */
export async function evalClassify(
  located: LocatedModel,
  request: EvalRequest,
): Promise<EvalReport> {
  const found = readImageNet(request.data, { split: request.split });
  log(
    `${request.data}: ${found.layout}; ${found.samples.length} images, ${found.classes.length} classes`,
  );
  const opened = await openClassifier(located, request);
  const engine = await openEngine(request.engine);
  log(engine.description);
  const start = performance.now();
  const scores = await evaluateClassifier(engine, opened, found, {
    batchSize: request.batch,
    workers: request.workers,
    ...(request.limit !== undefined ? { limit: request.limit } : {}),
  });
  const seconds = (performance.now() - start) / 1000;
  const { count, top1, top5, loss } = scores;
  const imagesPerSecond = count / seconds;
  const { data } = request;
  return {
    document: { model: opened.file, data, count, top1, top5, loss, seconds, imagesPerSecond },
    table: [
      ['images', 'top-1 %', 'top-5 %', 'loss', 'images/s'],
      [
        String(count),
        (100 * top1).toFixed(3),
        (100 * top5).toFixed(3),
        loss.toFixed(4),
        imagesPerSecond.toFixed(1),
      ],
    ],
  };
}
