import { parentPort, workerData } from 'node:worker_threads';
import { DataError, WorkError } from '../core/errors.js';
import { describeFailure } from '../core/failure.js';
import type { RgbImage } from '../core/image.js';
import type { ImageResult } from '../core/results.js';
import { decodingFor } from '../inference/decoding.js';
import { scoreOption } from '../inference/detect/shown-scores.js';
import type { ImageModel } from '../inference/model.js';
import { open } from '../inference/open.js';
import { decodeImageBytes } from '../io/image/decode.js';
import { withPixels } from '../io/image/in-flight.js';
import { WHOLE_PIXELS } from '../io/image/parts.js';
import { encodeAnswer, type PredictedImage } from './answer.js';
import { ClassifierBatches } from './classifier-batches.js';
import type { FromThread, Job, ModelInfo, NamedImage, ThreadSetup, ToThread } from './messages.js';
import { infoOf } from './model-info.js';

/** Thread of the models: decodes, predicts and encodes answers, so that the server's thread only moves bytes. */

/** Images of a request that are decoded or predicted at once: for a batch, or the next one beside the one that runs. */
const LANES = { classify: 8, detect: 2, segment: 2 } as const;
/** Largest batch: larger ones are hardly faster. */
const BATCH_IMAGES = 8;

interface OpenedModel {
  readonly model: ImageModel;
  readonly info: ModelInfo;
  predict(image: RgbImage | Uint8Array, job: Job, signal: AbortSignal): Promise<ImageResult>;
}

const { models: named, options, maxPixels, score: setScore, batchMs } = workerData as ThreadSetup;
const models = new Map<string, OpenedModel>();
const jobs = new Map<number, { readonly abort: AbortController; readonly done: Promise<void> }>();
/** Settles when the last prediction has ended. */
let last: Promise<unknown> = Promise.resolve();

const post = (message: FromThread, buffers: readonly ArrayBuffer[] = []): void =>
  parentPort?.postMessage(message, buffers);

/** One prediction runs at a time, whatever its model, because each uses all threads. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const turn = last.then(work);
  last = turn.catch(() => undefined);
  return turn;
}

async function openAll(): Promise<void> {
  for (const { name, path } of named) {
    const onNotice = (line: string): void => post({ kind: 'notice', line });
    // Many images come: weights are stored in the sessions.
    const model = await open(path, { ...options, frozen: true, onNotice });
    const info = infoOf(name, model, setScore);
    models.set(name, { model, info, predict: predictOf(model, info) });
  }
}

function predictOf(model: ImageModel, info: ModelInfo): OpenedModel['predict'] {
  if (model.task === 'classify' && batchMs !== undefined) {
    const batches = new ClassifierBatches(model, {
      waitMs: batchMs,
      maxImages: BATCH_IMAGES,
      inTurn,
    });
    // Tiles are for the other tasks: a classifier's image is decoded.
    return (image, { top }, signal) => batches.predict(image as RgbImage, { top, signal });
  }
  const own = info.scores && scoreOption(info.scores);
  return (image, { score = own, perClassNms, max, top }, signal) =>
    inTurn<ImageResult>(() => model.predict(image, { score, perClassNms, max, top, signal }));
}

function receive(id: number, job: Job): void {
  const abort = new AbortController();
  const done = answer(job, abort.signal)
    .then(
      (body) => post({ kind: 'answer', id, body }, [body.buffer as ArrayBuffer]),
      (error: unknown) => post({ kind: 'failed', id, failure: describeFailure(error) }),
    )
    .finally(() => jobs.delete(id));
  jobs.set(id, { abort, done });
}

async function answer(job: Job, signal: AbortSignal): Promise<Uint8Array> {
  const predicted = await predictImages(job, signal);
  const { format, score } = job;
  const { info } = openedModel(job.model);
  const body = await encodeAnswer(info, predicted, { format, isChosen: score !== undefined });
  // A view of a larger buffer is not moved.
  return body.byteLength === body.buffer.byteLength ? body : body.slice();
}

/** Decodes an image; one that is read in parts by the model's tiles stays encoded. */
async function decode(
  { card, options: chosen }: ImageModel,
  { bytes, name, pixels = 0 }: NamedImage,
): Promise<RgbImage | Uint8Array> {
  if (chosen.tile && pixels > WHOLE_PIXELS) return bytes;
  return decodeImageBytes(bytes, name, { ...decodingFor(card), maxPixels });
}

async function predictImages(job: Job, signal: AbortSignal): Promise<readonly PredictedImage[]> {
  const { model, predict } = openedModel(job.model);
  const { images, format } = job;
  const predicted: PredictedImage[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < images.length) {
      const index = next++;
      const { name, pixels: numPixels = maxPixels } = images[index];
      try {
        predicted[index] = await withPixels(numPixels, async () => {
          const image = await decode(model, images[index]);
          const pixels = format === 'png' && 'width' in image ? image : undefined;
          if (format === 'png' && !pixels)
            throw DataError.in(
              name,
              `expected at most ${WHOLE_PIXELS} pixels to draw on, got more; ask for format=json or coco`,
            );
          signal.throwIfAborted();
          return { name, result: await predict(image, job, signal), pixels };
        });
      } catch (error) {
        next = images.length;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: LANES[model.task] }, lane));
  return predicted;
}

function openedModel(name: string): OpenedModel {
  const opened = models.get(name);
  if (!opened) throw new WorkError(`serve: expected a served model, got ${name}`);
  return opened;
}

parentPort?.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'job':
      return receive(message.id, message.job);
    case 'abort':
      return jobs.get(message.id)?.abort.abort();
    case 'close':
      return void close();
    default:
      return message satisfies never;
  }
});

async function close(): Promise<void> {
  for (const { abort } of jobs.values()) abort.abort();
  await Promise.all([...jobs.values()].map(({ done }) => done));
  for (const { model } of models.values()) await model.release();
  parentPort?.close();
}

openAll().then(
  () => post({ kind: 'ready', models: [...models.values()].map(({ info }) => info) }),
  (error: unknown) => post({ kind: 'unusable', failure: describeFailure(error) }),
);
