import { alignClassification } from '../../datasets/align-classes.js';
import { inspectClassificationSet } from '../../datasets/classification-check.js';
import { readClassificationSplit } from '../../datasets/classification-split.js';
import type { ClassificationSet } from '../../datasets/imagenet.js';
import type { ClassifierModel } from '../../inference/model.js';
import { sha256OfFile } from '../../io/files/sha256.js';
import { SINGLE_PROCESS } from '../distributed/communicator.js';
import { shardOf } from '../distributed/shard.js';
import { NO_SCORES, parseShard, reportEmptyShard, shardWork } from '../distributed/sharded-work.js';
import {
  headlineOf,
  type ClassificationScores,
  type EvaluationOptions,
  type EvaluationReport,
} from '../evaluation.js';
import { inspectForEvaluation } from '../inspect.js';
import type { Scalars } from '../trainer.js';
import { evaluateClassifier } from './evaluate.js';
import { evaluateInChunks } from './evaluate-chunks.js';

/**
 * Top-1, top-5 and loss of a classifier. With `out`, in partial results; existing ones are not recomputed.
 *
 * @param data folder, or set
 * @throws DataError, ConfigError
 */
export async function scoreClassifier(
  model: ClassifierModel,
  data: string | ClassificationSet,
  options: EvaluationOptions,
): Promise<EvaluationReport<ClassificationScores>> {
  const { batch: batchSize = 8, workers = 2, limit, split = 'val', out, onNotice } = options;
  const { communicator = SINGLE_PROCESS } = options;
  const shard = parseShard(options.shard, out);
  const loaded =
    typeof data === 'string' ? readClassificationSplit(data, { ...options, split }) : data;
  const { layout, samples, classes } = loaded;
  onNotice?.(
    `${typeof data === 'string' ? `${data}: ` : ''}${layout}; ${samples.length} images, ${classes.length} classes`,
  );
  const { set, line } = alignClassification(loaded, model.classNames, { owner: model.file });
  if (line !== undefined) onNotice?.(line);
  await inspectForEvaluation(
    split,
    { ...set, samples: set.samples.slice(0, limit) },
    { masks: false, keepEmpty: true },
    { inspect: inspectClassificationSet, onNotice },
  );
  const start = performance.now();
  const base = { model: model.file, data: typeof data === 'string' ? data : layout };
  if (out === undefined) {
    const scores = await evaluateClassifier(model, set, {
      batchSize,
      workers,
      limit,
      shard: shardWork(options).shard,
    });
    return report(base, scores, scores['count'], start);
  }
  const weights = model.file === undefined ? 'memory' : await sha256OfFile(model.file);
  const inChunks = (): ReturnType<typeof evaluateInChunks> =>
    evaluateInChunks(model, set, {
      batchSize,
      workers,
      limit,
      folder: out,
      shard: communicator.size > 1 ? shardOf(communicator) : shard,
      identity: {
        weights,
        average: model.options.ema ? 'ema' : 'none',
        split,
        inputSize: model.card.resize.inputSize,
      },
      onChunk: ({ chunk, chunks }) => onNotice?.(`chunk ${chunk + 1} of ${chunks}`),
    });
  const first = await inChunks();
  // Ranks that finish early do not have the partial results of the others.
  await communicator.barrier({ what: 'evaluation', patient: true });
  const { scores, missing } = communicator.size > 1 ? await inChunks() : first;
  const { scored, own } = first;
  reportEmptyShard(shard, own, onNotice);
  if (missing > 0)
    onNotice?.(`${missing} images are still missing: run the other shards, or this command again`);
  return report({ ...base, scored, missing }, scores, scored, start);
}

/** @param images number of images scored by this run since `start` */
function report(
  base: Pick<ClassificationScores, 'model' | 'data' | 'scored' | 'missing'>,
  scores: Scalars,
  images: number,
  start: number,
): EvaluationReport<ClassificationScores> {
  const { count, top1, top5, loss } = scores;
  const seconds = (performance.now() - start) / 1000;
  const imagesPerSecond = images / seconds;
  const rates = [top1, top5].map((rate) => (100 * rate).toFixed(3));
  return {
    document: { ...base, count, top1, top5, loss, seconds, imagesPerSecond },
    headline: headlineOf('top-1', top1, { images: count }),
    table:
      count === 0
        ? NO_SCORES
        : [
            ['images', 'top-1 %', 'top-5 %', 'loss', 'images/s'],
            [String(count), ...rates, loss.toFixed(4), imagesPerSecond.toFixed(1)],
          ],
  };
}
