import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ImageModel } from '../inference/model.js';
import { writeAtomically, writeJsonAtomically } from '../io/files/atomic.js';
import { imagesBelow } from '../io/files/images.js';
import { leadsInto } from '../io/files/inside.js';
import { statsOf } from '../io/files/list.js';
import type { Presentation, PresentOptions, TextBlock } from './presentation.js';
import { predictedOrFailed, type FailedImage } from './predict-file.js';
import { present } from './present.js';

/** Interval at which a folder is listed. */
const SCAN_MS = 500;
/** A file that has not changed for so long is complete. */
const SETTLED_MS = 2000;
/** One that cannot be decoded may still be written, with pauses, until it has not changed for so long. */
const GIVE_UP_MS = 10_000;

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

/** State of a file in the folder. */
interface Watched {
  /** Size and time of change. */
  readonly key: string;
  /** Time at which it was first seen with them. */
  readonly sinceMs: number;
  /** Whether it was predicted or reported. */
  isDone: boolean;
  /** Reason why it could not be decoded so far. */
  failed?: FailedImage | undefined;
}

/** State of a file in a scan. */
interface FileState {
  readonly key: string;
  /** Time since its last change, by the file system's clock. */
  readonly ageMs: number;
}

/**
 * Predicts the images of a folder and those that come into it, or change, until the signal. A file is read when it has
 * stopped growing; one that cannot be decoded is reported when it has not changed for ten seconds. Files that are deleted
 * are forgotten.
 */
export async function* predictFolder(
  model: ImageModel,
  folder: string,
  { out, signal, ...options }: PredictFolderOptions,
): AsyncGenerator<FolderPrediction | FailedImage> {
  const presentation = await present(model, options);
  const watched = new Map<string, Watched>();
  let isGone = false;
  for (let index = 0; !signal.aborted;) {
    const files = listed(folder);
    if (isGone !== !existsSync(folder)) {
      isGone = !isGone;
      options.onNotice?.(isGone ? `${folder} is gone; waiting for it` : `${folder} is back`);
    }
    const current = new Set(files);
    for (const file of watched.keys()) if (!current.has(file)) watched.delete(file);
    for (const file of files) {
      if (signal.aborted) return;
      const read = await readIfReady(model, file, watched, out);
      if (!read) continue;
      if ('message' in read) {
        yield read;
        continue;
      }
      const predicted = { file, index: index++, ...read };
      const { width, height } = read.result;
      const row = { file, width, height, ...presentation.fields(read.result) };
      if (out !== undefined) await write(presentation, predicted, row, { out, folder });
      yield { row, text: presentation.text(predicted) };
    }
    await delay(SCAN_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Images of the folder as it is; a folder below it that vanishes meanwhile is left to the next scan. */
function listed(folder: string): readonly string[] {
  try {
    return imagesBelow(folder).images;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

type Read = Awaited<ReturnType<typeof predictedOrFailed>>;

/** Predicts a file that is complete and was not predicted before; undefined for others. */
async function readIfReady(
  model: ImageModel,
  file: string,
  watched: Map<string, Watched>,
  out: string | undefined,
): Promise<Read | undefined> {
  const state = stateOf(file);
  if (!state) return undefined;
  const known = watched.get(file);
  const isSame = known?.key === state.key;
  if (isSame && known.isDone) return undefined;
  const entry: Watched = isSame
    ? known
    : { key: state.key, sinceMs: performance.now(), isDone: false };
  watched.set(file, entry);
  if (!isSame && out !== undefined && isResult(file, out)) entry.isDone = true;
  if (entry.isDone) return undefined;
  const unchangedMs = Math.max(state.ageMs, performance.now() - entry.sinceMs);
  if (entry.failed && unchangedMs < GIVE_UP_MS) return undefined;
  if (!isSame && unchangedMs < SETTLED_MS) return undefined;
  const read = entry.failed ?? (await predictedOrFailed(model, file));
  if ('message' in read && (unchangedMs < GIVE_UP_MS || !existsSync(file))) {
    entry.failed = read;
    return undefined;
  }
  entry.isDone = true;
  return read;
}

/** Whether a file is a picture of results: a link in the watched folder may lead to the folder of results. */
function isResult(file: string, out: string): boolean {
  return file.endsWith('.png') && existsSync(`${file.slice(0, -4)}.json`) && leadsInto(file, out);
}

async function write(
  presentation: Presentation,
  predicted: Parameters<Presentation['pictures']>[0],
  row: object,
  { out, folder }: { readonly out: string; readonly folder: string },
): Promise<void> {
  // The extension stays, because a.jpg and a.png may both come.
  const name = relative(folder, predicted.file);
  const pictures = await presentation.pictures(predicted, `${name}.png`);
  for (const [path, bytes] of Object.entries(pictures))
    await writeAtomically(join(out, path), bytes);
  await writeJsonAtomically(join(out, `${name}.json`), row);
}

/** State of a file; undefined if it is gone. */
function stateOf(file: string): FileState | undefined {
  const found = statsOf(file);
  if (!found) return undefined;
  const { size, mtimeMs } = found;
  return { key: `${size} ${mtimeMs}`, ageMs: Date.now() - mtimeMs };
}
