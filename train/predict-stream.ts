import { statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DataError } from '../core/errors.js';
import { decodingFor } from '../inference/decoding.js';
import type { ImageModel } from '../inference/model.js';
import { writeAtomically, writeJsonAtomically } from '../io/files/atomic.js';
import { imagesBelow } from '../io/files/images.js';
import { decodeImageBytes } from '../io/image/decode.js';
import type { PresentOptions, TextBlock } from './presentation.js';
import { ALL, predictedOrFailed, type FailedImage } from './predict-file.js';
import { presentationOf, scoreFieldsOf } from './predict-files.js';

/** Interval at which a folder is listed. */
const SCAN_MS = 500;
/** A file that has not changed for so long is complete. */
const SETTLED_MS = 2000;

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
  const presentation = presentationOf(model, options);
  const image = await decodeImageBytes(bytes, name, decodingFor(model.card));
  const { width, height } = image;
  const fields = presentation.fields(await model.predict(image, ALL));
  return {
    model: model.file,
    ...scoreFieldsOf(model, options),
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
  const presentation = presentationOf(model, options);
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
  let frame = new Uint8Array(numBytes);
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
      frame = new Uint8Array(numBytes);
      filled = 0;
    }
  if (filled > 0)
    throw new DataError(
      `standard input: expected whole frames of ${width}x${height} RGB (${numBytes} bytes), got ${filled} bytes after ${count} frames; is the size or the pixel format (rgb24) another?`,
    );
}

/** Options of {@link predictFolder}. */
export interface PredictFolderOptions extends PresentOptions {
  /** Folder of an overlay or label map and a JSON file per image, named after it. */
  readonly out?: string | undefined;
  /** Ends the watch after the current image. */
  readonly signal: AbortSignal;
}

/** A predicted image of a folder. */
export interface FolderPrediction {
  /** The fields of `predict --json`. */
  readonly row: object;
  readonly text: readonly TextBlock[];
}

/**
 * Predicts the images of a folder and those that come into it, or change, until the signal. A file is read when it has
 * stopped growing.
 */
export async function* predictFolder(
  model: ImageModel,
  folder: string,
  { out, signal, ...options }: PredictFolderOptions,
): AsyncGenerator<FolderPrediction | FailedImage> {
  const presentation = presentationOf(model, options);
  /** Size and time of change by file, of the last scan and when it was predicted. */
  const seen = new Map<string, string>();
  const done = new Map<string, string>();
  for (let index = 0; !signal.aborted;) {
    for (const file of imagesBelow(folder).images) {
      if (signal.aborted) return;
      const state = stateOf(file);
      const isSettled = state?.settled === true || (state && seen.get(file) === state.key);
      if (!state || done.get(file) === state.key) continue;
      seen.set(file, state.key);
      if (!isSettled) continue;
      done.set(file, state.key);
      const read = await predictedOrFailed(model, file);
      if ('message' in read) {
        yield read;
        continue;
      }
      const predicted = { file, index: index++, ...read };
      const { width, height } = read.result;
      const row = { file, width, height, ...presentation.fields(read.result) };
      if (out !== undefined) {
        // The extension stays, because a.jpg and a.png may both come.
        const name = relative(folder, file);
        const pictures = await presentation.pictures(predicted, `${name}.png`);
        for (const [path, bytes] of Object.entries(pictures))
          await writeAtomically(join(out, path), bytes);
        await writeJsonAtomically(join(out, `${name}.json`), row);
      }
      yield { row, text: presentation.text(predicted) };
    }
    await delay(SCAN_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** State of a file; undefined if it is gone. */
function stateOf(file: string): { readonly key: string; readonly settled: boolean } | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) return undefined;
  const { size, mtimeMs } = found;
  return { key: `${size} ${mtimeMs}`, settled: Date.now() - mtimeMs > SETTLED_MS };
}
