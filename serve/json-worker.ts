import { parentPort } from 'node:worker_threads';
import { describeFailure } from '../core/failure.js';
import { imagesOfJson } from './json-images.js';
import type { FromJsonThread, ToJsonThread } from './json-thread.js';

/** Thread that parses large JSON bodies. */
parentPort?.on('message', ({ id, bytes, maxImages }: ToJsonThread) => {
  let answer: FromJsonThread;
  try {
    // Copies where base64 was decoded into a buffer that is shared.
    const images = imagesOfJson(bytes, maxImages).map(({ name, bytes: image }) => ({
      name,
      bytes: new Uint8Array(image),
    }));
    answer = { id, images };
  } catch (error) {
    answer = { id, failure: describeFailure(error) };
  }
  const buffers = (answer.images ?? []).map(({ bytes: image }) => image.buffer as ArrayBuffer);
  parentPort?.postMessage(answer, buffers);
});
