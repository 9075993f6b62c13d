import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { DataError, OptionError } from '../core/errors.js';
import { oneLine, withoutControls } from '../core/controls.js';
import { MAX_PIXELS } from '../core/image.js';
import type { ImageModel } from '../inference/model.js';
import { leadsInto } from '../io/files/inside.js';
import { assertWritableFolder } from '../io/files/out-folder.js';
import { START_BYTES } from '../io/image/file-header.js';
import { formatOf } from '../io/image-header/signatures.js';
import { predictFolder } from '../train/predict-folder.js';
import { predictBytes, predictFrames, type FrameSize } from '../train/predict-stream.js';
import { engineOptions } from './engine-options.js';
import { openModel } from './open-model.js';
import { isReaderGone, log, printBlocks, printJson } from './output.js';
import type { PredictFlags } from './model-options.js';
import { listenForStop } from './stop-signals.js';

/** Four channels of 16 bits for every pixel. */
const MAX_INPUT_BYTES = 8 * MAX_PIXELS;

/** Source of the images of `predict`, if not a list of files. */
type Source =
  | { readonly kind: 'image' }
  | { readonly kind: 'frames'; readonly size: FrameSize }
  | { readonly kind: 'folder'; readonly folder: string };

/** Runs `predict -`, `predict - --frames WxH` and `predict FOLDER --watch`. @throws ConfigError, DataError */
export async function predictStream(
  name: string,
  images: readonly string[],
  flags: PredictFlags,
): Promise<void> {
  const source = sourceOf(images, flags);
  const engine = engineOptions(flags);
  const model = await openModel(name, { ...flags, engine }, source.kind === 'image' ? 1 : Infinity);
  const isOpen = endWithReader();
  const options = { ...flags, onNotice: log };
  try {
    switch (source.kind) {
      case 'image':
        return printJson(await predictBytes(model, await standardInput(), '-', options));
      case 'frames':
        for await (const row of predictFrames(model, process.stdin, source.size, options)) {
          await printLine(row);
          if (!isOpen()) break;
        }
        return;
      case 'folder':
        return await watch(model, source.folder, flags);
      default:
        return source satisfies never;
    }
  } finally {
    await model.release();
  }
}

function sourceOf(images: readonly string[], flags: PredictFlags): Source {
  const { frames, watch: isWatching, out, format, shard } = flags;
  const [first] = images;
  if (images.length > 1)
    throw new OptionError(
      `predict: expected - or the folder of --watch alone, got ${images.join(' ')}`,
    );
  if (format !== undefined || shard !== undefined)
    throw new OptionError(
      `--${format === undefined ? 'shard' : 'format'}: expected image files, got ${isWatching ? '--watch' : '-'}`,
    );
  if (isWatching) {
    if (frames !== undefined || first === '-')
      throw new OptionError(
        `--watch: expected a folder alone, got ${frames === undefined ? '-' : '--frames'}`,
      );
    if (!existsSync(first) || !statSync(first).isDirectory())
      throw DataError.in(first, 'expected a folder to watch, got none');
    if (out !== undefined) {
      assertWritableFolder(out);
      if (leadsInto(out, first))
        throw new OptionError(
          `--out ${out}: expected a folder outside of ${first}, which is watched`,
        );
    }
    return { kind: 'folder', folder: first };
  }
  if (out !== undefined)
    throw new OptionError(
      `--out ${out}: expected image files or --watch, got -; JSON goes to standard output`,
    );
  if (frames === undefined) return { kind: 'image' };
  if (first !== '-') throw new OptionError(`--frames: expected - for standard input, got ${first}`);
  const [, width, height] = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(frames) ?? [];
  if (height === undefined)
    throw new OptionError(`--frames: expected a size like 640x360, got ${frames}`);
  const size = { width: Number(width), height: Number(height) };
  if (size.width * size.height > MAX_PIXELS)
    throw new OptionError(`--frames: expected at most ${MAX_PIXELS} pixels, got ${frames}`);
  return { kind: 'frames', size };
}

async function watch(model: ImageModel, folder: string, flags: PredictFlags): Promise<void> {
  const { out, score, palette, json = false } = flags;
  const stop = new AbortController();
  const stopListening = listenForStop(() => stop.abort());
  let numImages = 0;
  let numFailed = 0;
  try {
    log(`watching ${folder}; Ctrl-C ends it`);
    const options = { out, score, palette, signal: stop.signal, onNotice: log };
    for await (const each of predictFolder(model, folder, options)) {
      if ('message' in each) {
        numFailed++;
        log(`not predicted: ${oneLine(each.message)}`);
        continue;
      }
      numImages++;
      if (json) await printLine(each.row);
      else printBlocks(each.text);
    }
  } finally {
    stopListening();
  }
  const images = numImages === 1 ? 'image' : 'images';
  log(`predicted ${numImages} ${images}${numFailed > 0 ? `, ${numFailed} not` : ''}`);
  if (numFailed > 0) process.exitCode = 2;
}

/** Reads an image; what is none, or larger than any, may never end. */
async function standardInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let isImage = false;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Uint8Array);
    length += chunks[chunks.length - 1].length;
    if (!isImage && length >= START_BYTES) {
      isImage = formatOf(Buffer.concat(chunks)) !== undefined;
      if (!isImage) break; // its beginning is enough for the message
    }
    if (length > MAX_INPUT_BYTES)
      throw new DataError(
        `standard input: expected an image of at most ${MAX_INPUT_BYTES} bytes, got more`,
      );
  }
  return Buffer.concat(chunks);
}

async function printLine(row: object): Promise<void> {
  const line = `${withoutControls(JSON.stringify(row))}\n`;
  try {
    if (!process.stdout.write(line))
      await Promise.race([once(process.stdout, 'drain'), once(process.stdout, 'close')]);
  } catch (error) {
    if (!isReaderGone(error as NodeJS.ErrnoException)) throw error;
  }
}

/** Keeps a reader that ends (`| head`) from being an error. @returns whether there is one */
function endWithReader(): () => boolean {
  let isOpen = true;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (isReaderGone(error)) isOpen = false;
  });
  return () => isOpen;
}
