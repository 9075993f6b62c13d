import { ConfigError } from '../../core/errors.js';
import { readImageNet } from '../../datasets/imagenet.js';
import { openEngine } from '../../engine/runtime/engine.js';
import { evaluateClassifier } from '../../train/classification/evaluate.js';
import type { EvaluationShard } from '../../train/classification/evaluate-parts.js';
import { evaluateInParts } from '../../train/classification/evaluate-parts.js';
import type { Scalars } from '../../train/task.js';
import { sha256OfFile } from '../../weights/files/sha256.js';
import { openClassifier } from '../model/classifier.js';
import type { LocatedModel } from '../model/locate.js';
import { log } from '../output.js';
import type { EvalReport, EvalRequest } from './request.js';

/** Top-1, top-5 and loss of a classifier. @throws DataError, WeightsError, ConfigError */
export async function evalClassify(
  located: LocatedModel,
  request: EvalRequest,
): Promise<EvalReport> {
  const shard = parseShard(request);
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
    const scores = await evaluateClassifier(engine, opened, found, options);
    return report(base, scores, timing(scores['count']));
  }
  const { scores, missing, scored } = await evaluateInParts(engine, opened, found, {
    ...options,
    folder: out,
    shard,
    identity: {
      weights: await sha256OfFile(opened.file),
      average: request.ema ? 'ema' : 'none',
      split,
      inputSize: opened.card.resize.inputSize,
    },
    onPart: ({ part, parts }) => log(`part ${part + 1} of ${parts}`),
  });
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
    table: [
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

/** `i/n` with i from 0, as job arrays count. */
function parseShard({ shard, out }: EvalRequest): EvaluationShard {
  if (shard === undefined) return { index: 0, count: 1 };
  const [, i, n] = /^(\d+)\/(\d+)$/.exec(shard) ?? [];
  const [index, count] = [Number(i), Number(n)];
  if (!(count >= 1 && index < count))
    throw new ConfigError(`--shard: expected i/n with i from 0 to n − 1, got ${shard}`);
  if (out === undefined)
    throw new ConfigError('--shard: expected --out DIR, the same for all shards, got none');
  return { index, count };
}
