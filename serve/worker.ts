import { parentPort, workerData } from 'node:worker_threads';
import { DataError, WorkError } from '../core/errors.js';
import { describeFailure } from '../core/failure.js';
import { decodingFor } from '../inference/decoding.js';
import type { ImageModel } from '../inference/model.js';
import { open } from '../inference/open.js';
import type { RgbImage } from '../core/image.js';
import { decodeImageBytes } from '../io/image/decode.js';
import { imageHeader } from '../io/image/header.js';
import { WHOLE_PIXELS } from '../io/image/parts.js';
import { encodeAnswer, type PredictedImage } from './answer.js';
import type { FromThread, Job, ModelInfo, ThreadSetup, ToThread } from './messages.js';
import { infoOf } from './model-info.js';

/** Thread of the models: decodes, predicts and encodes answers, so that the server's thread only moves bytes. */

interface OpenedModel {
  readonly model: ImageModel;
  readonly info: ModelInfo;
}

const { models: named, options, maxPixels, score: setScore } = workerData as ThreadSetup;
const models = new Map<string, OpenedModel>();
const aborts = new Map<number, AbortController>();
/** Settles when the last job has ended; one job runs at a time, whatever its model. */
let last: Promise<void> = Promise.resolve();

const post = (message: FromThread, buffers: readonly ArrayBuffer[] = []): void =>
  parentPort?.postMessage(message, buffers);

async function openAll(): Promise<void> {
  for (const { name, path } of named) {
    const onNotice = (line: string): void => post({ kind: 'notice', line });
    const model = await open(path, { ...options, onNotice });
    models.set(name, { model, info: infoOf(name, model, setScore) });
  }
}

/** Smallest score of objects, unless the model takes scores by class from its card. */
const scoreOf = ({ scores }: ModelInfo): number | undefined =>
  scores?.from === 'validation' ? undefined : scores?.score;

/** Images of the next job are decoded while the current one runs. */
function receive(id: number, job: Job): void {
  const abort = new AbortController();
  const { signal } = abort;
  aborts.set(id, abort);
  const first = decode(job, 0);
  first.catch(() => undefined); // reported when it is this job's turn
  last = last.then(async () => {
    try {
      signal.throwIfAborted();
      const body = await answer(job, first, signal);
      post({ kind: 'answer', id, body }, [body.buffer as ArrayBuffer]);
    } catch (error) {
      post({ kind: 'failed', id, failure: describeFailure(error) });
    } finally {
      aborts.delete(id);
    }
  });
}

/** Decodes an image; one that is read in parts by the model's tiles stays encoded. */
async function decode({ model, images }: Job, index: number): Promise<RgbImage | Uint8Array> {
  const { bytes, name } = images[index];
  const { card, options: chosen } = openedModel(model).model;
  if (chosen.tile) {
    const { width, height } = await imageHeader(bytes, name);
    if (width * height > WHOLE_PIXELS) return bytes;
  }
  return decodeImageBytes(bytes, name, { ...decodingFor(card), maxPixels });
}

function openedModel(name: string): OpenedModel {
  const opened = models.get(name);
  if (!opened) throw new WorkError(`serve: expected a served model, got ${name}`);
  return opened;
}

async function answer(
  job: Job,
  first: Promise<RgbImage | Uint8Array>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { model, info } = openedModel(job.model);
  const { perClassNms, max, top, format, images } = job;
  const score = job.score ?? scoreOf(info);
  const predicted: PredictedImage[] = [];
  for (const [index, { name }] of images.entries()) {
    const image = await (index === 0 ? first : decode(job, index));
    const pixels = 'data' in image ? image : undefined;
    if (format === 'png' && !pixels)
      throw DataError.in(
        name,
        `expected at most ${WHOLE_PIXELS} pixels to draw on, got more; ask for format=json or coco`,
      );
    const result = await model.predict(image, { score, perClassNms, max, top, signal });
    predicted.push({ name, result, pixels: format === 'png' ? pixels : undefined });
  }
  const body = await encodeAnswer(info, predicted, { format, isChosen: job.score !== undefined });
  // A view of a larger buffer is not moved.
  return body.byteLength === body.buffer.byteLength ? body : body.slice();
}

parentPort?.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'job':
      return receive(message.id, message.job);
    case 'abort':
      return aborts.get(message.id)?.abort();
    case 'close':
      return void close();
    default:
      return message satisfies never;
  }
});

async function close(): Promise<void> {
  for (const abort of aborts.values()) abort.abort();
  await last;
  for (const { model } of models.values()) await model.release();
  parentPort?.close();
}

openAll().then(
  () => post({ kind: 'ready', models: [...models.values()].map(({ info }) => info) }),
  (error: unknown) => post({ kind: 'unusable', failure: describeFailure(error) }),
);
