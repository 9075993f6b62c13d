import { readImageNet } from '../../datasets/imagenet.js';
import { openEngine } from '../../engine/runtime/engine.js';
import { evaluateClassifier } from '../../train/classify/evaluate.js';
import { evaluateInParts } from '../../train/classify/evaluate-parts.js';
import { SINGLE_PROCESS } from '../../train/distributed/communicator.js';
import { shardOf } from '../../train/distributed/shard.js';
import type { Scalars } from '../../train/trainer.js';
import { sha256OfFile } from '../../io/files/sha256.js';
import { openClassifier } from '../model/classifier.js';
import type { LocatedModel } from '../model/locate.js';
import { log } from '../output.js';
import type { EvalReport, EvalRequest } from './request.js';
import { NO_SCORES, parseShard, reportEmptyShare, shareOf } from '../share.js';

/** Top-1, top-5 and loss of a classifier. @throws DataError, WeightsError, ConfigError */
export async function evalClassify(
  located: LocatedModel,
  request: EvalRequest,
): Promise<EvalReport> {
  const shard = parseShard(request.shard, request.out);
  const found = readImageNet(request.data, { split: request.split });
  log(
    `${request.data}: ${found.layout}; ${found.samples.length} images, ${found.classes.length} classes`,
  );
  const opened = await openClassifier(located, request);
  const engine = await openEngine(request.engine);
  log(engine.description);
  const { batch, workers, limit, data, split, out } = request;
  const options = { batchSize: batch, workers, ...(limit !== undefined ? { limit } : {}) };
  const start = performance.now();
  const timing = (images: number): Timing => {
    const seconds = (performance.now() - start) / 1000;
    return { seconds, imagesPerSecond: images / seconds };
  };
  const base = { model: opened.file, data };
  if (out === undefined) {
    const { share } = shareOf(request);
    const scores = await evaluateClassifier(engine, opened, found, {
      ...options,
      ...(share ? { share } : {}),
    });
    return report(base, scores, timing(scores['count']));
  }
  const { communicator = SINGLE_PROCESS } = request;
  const inParts = async (): ReturnType<typeof evaluateInParts> =>
    evaluateInParts(engine, opened, found, {
      ...options,
      folder: out,
      shard: communicator.size > 1 ? shardOf(communicator) : shard,
      identity: {
        weights: await sha256OfFile(opened.file),
        average: request.ema ? 'ema' : 'none',
        split,
        inputSize: opened.card.resize.inputSize,
      },
      onPart: ({ part, parts }) => log(`part ${part + 1} of ${parts}`),
    });
  const first = await inParts();
  // Ranks that are done early have not seen the parts of the others.
  await communicator.barrier({ what: 'evaluation', patient: true });
  const { scores, missing } = communicator.size > 1 ? await inParts() : first;
  const { scored, own } = first;
  reportEmptyShare(shard, own);
  if (missing > 0)
    log(`${missing} images are still missing: run the other shards, or this command again`);
  return report({ ...base, scored, missing }, scores, timing(scored));
}

/** Of the images that this run scored. */
interface Timing {
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

function report(base: object, scores: Scalars, timing: Timing): EvalReport {
  const { count, top1, top5, loss } = scores;
  return {
    document: { ...base, count, top1, top5, loss, ...timing },
    table:
      count === 0
        ? NO_SCORES
        : [
            ['images', 'top-1 %', 'top-5 %', 'loss', 'images/s'],
            [
              String(count),
              (100 * top1).toFixed(3),
              (100 * top5).toFixed(3),
              loss.toFixed(4),
              timing.imagesPerSecond.toFixed(1),
            ],
          ],
  };
}
