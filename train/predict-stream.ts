import { DataError } from '../core/errors.js';
import { decodingFor } from '../inference/decoding.js';
import type { ImageModel } from '../inference/model.js';
import { decodeImageBytes } from '../io/image/decode.js';
import type { PresentOptions } from './presentation.js';
import { ALL } from './predict-file.js';
import { present } from './present.js';

/**
 * Predicts one image in memory.
 *
 * @param name name in the document and in messages
 * @returns the document of `predict --json`
 * @throws DataError if it cannot be decoded
 */
export async function predictBytes(
  model: ImageModel,
  bytes: Uint8Array,
  name: string,
  options: PresentOptions,
): Promise<object> {
  const presentation = await present(model, options);
  const image = await decodeImageBytes(bytes, name, decodingFor(model.card));
  const { width, height } = image;
  const fields = presentation.fields(await model.predict(image, ALL));
  return {
    model: model.file,
    ...presentation.common,
    predictions: [{ file: name, width, height, ...fields }],
  };
}

/** Size of raw frames in pixels. */
export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

/**
 * Predicts raw frames as they come, `[height, width, 3]`, 0–255; the next one is read meanwhile.
 *
 * @returns a row per frame: `{frame, width, height, …}`, the fields of `predict --json`
 * @throws DataError if the stream ends within a frame
 */
export async function* predictFrames(
  model: ImageModel,
  stream: AsyncIterable<Uint8Array>,
  { width, height }: FrameSize,
  options: PresentOptions,
): AsyncGenerator<object> {
  const presentation = await present(model, options);
  const frames = wholeFrames(stream, { width, height });
  let next = frames.next();
  for (let frame = 0; ; frame++) {
    const { done, value: data } = await next;
    if (done) return;
    next = frames.next();
    next.catch(() => undefined); // thrown at its turn
    const result = await model.predict({ width, height, data }, ALL);
    yield { frame, width, height, ...presentation.fields(result) };
  }
}

async function* wholeFrames(
  stream: AsyncIterable<Uint8Array>,
  { width, height }: FrameSize,
): AsyncGenerator<Uint8Array, void> {
  const numBytes = 3 * width * height;
  // One is predicted while the other is read.
  const buffers = [new Uint8Array(numBytes), new Uint8Array(numBytes)];
  let [frame] = buffers;
  let filled = 0;
  let count = 0;
  for await (const chunk of stream)
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + numBytes - filled);
      frame.set(part, filled);
      at += part.length;
      filled += part.length;
      if (filled < numBytes) continue;
      yield frame;
      count++;
      frame = buffers[count % 2];
      filled = 0;
    }
  if (filled > 0)
    throw new DataError(
      `standard input: expected whole frames of ${width}x${height} RGB (${numBytes} bytes), got ${filled} bytes after ${count} frames; is the size or the pixel format (rgb24) another?`,
    );
}
