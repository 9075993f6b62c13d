import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ModelNotFoundError } from '../../core/errors.js';
import { nearestWord } from '../../core/nearest-word.js';
import { isFolder } from '../../io/files/list.js';
import { CATALOG, type CatalogEntry } from '../catalog.js';
import { CHECKPOINTS, findCheckpoint } from '../checkpoint-folder.js';
import { weightFileOf } from '../folder.js';
import { resolveModelName } from '../model-name.js';
import { checkRecord } from '../record.js';
import type { DownloadOptions } from './download.js';
import { isOffline } from './offline.js';
import { progressLines } from './progress.js';
import { licenseLine, pullLine, pullPlan } from './published.js';
import type { PulledFile } from './pull.js';

/** Whether an official file is in the cache. */
export function isCached(entry: CatalogEntry, cacheFolder: string): boolean {
  return existsSync(join(cacheFolder, entry.fileName));
}

/** A weight file, and its catalog entry if it is an official file from the cache. */
interface LocatedWeights {
  readonly file: string;
  readonly entry: CatalogEntry | undefined;
}

/** Options of pulling a published file. */
export interface PullPublishedOptions extends DownloadOptions {
  /** Server with the same paths instead of the publisher's; default: that of `CONVNEXTV2_MIRROR`. */
  readonly mirror?: string | undefined;
  /** Called with the license, the size and the progress. */
  readonly onNotice?: ((line: string) => void) | undefined;
}

/** Options of {@link locateWeights}. */
export interface LocateWeightsOptions extends PullPublishedOptions {
  /** Whether to refuse a name that is not in the cache instead of pulling it; default: that of `CONVNEXTV2_OFFLINE`. */
  readonly offline?: boolean | undefined;
}

/**
 * Finds weights by file, by folder of a run, of checkpoints or of the Hugging Face hub, or by official name. A named file that is not in the cache is pulled;
 * one that is there must match the recorded checksum.
 *
 * @throws WeightsError if nothing matches, the file has changed or, offline, is not in the cache; errors of
 *   `pullWeights` of {@link file://./pull.ts}
 */
export async function locateWeights(
  nameOrFile: string,
  cacheFolder: string,
  options: LocateWeightsOptions = {},
): Promise<LocatedWeights> {
  if (existsSync(nameOrFile)) {
    const isFolder = statSync(nameOrFile).isDirectory();
    return { file: isFolder ? await fileOfFolder(nameOrFile) : nameOrFile, entry: undefined };
  }
  const isFile = /\.(pth?|safetensors|bin|ckpt)$/.test(nameOrFile);
  const isPlace = isFile || /[\\/]/.test(nameOrFile) || isPlainWord(nameOrFile);
  if (isPlace && !publishedEntry(nameOrFile)) throw nothingAt(nameOrFile, isFile);
  const entry = resolveModelName(nameOrFile);
  const file = join(cacheFolder, entry.fileName);
  if (existsSync(file)) {
    options.onNotice?.(licenseLine(entry));
    await checkRecord(file);
    return { file, entry };
  }
  const { offline = isOffline() } = options;
  if (offline)
    throw new ModelNotFoundError(
      `${entry.name}: expected ${file}, got no such file; run "npx convnextv2 weights pull ${entry.name}", or put ${entry.url} there`,
      { file },
    );
  return { file: (await pullPublished(entry, cacheFolder, options)).file, entry };
}

/** Whether a word without a dot is none that official names begin with: then it is rather a folder. */
function isPlainWord(name: string): boolean {
  if (name.includes('.')) return false;
  const first = name.replace(/^convnextv2[_-]/, '').split(/[._-]/)[0];
  return !CATALOG.some((entry) => entry.name.startsWith(first));
}

/** Error about a path where nothing is, with the most similar run folder beside it. */
function nothingAt(path: string, isFile: boolean): ModelNotFoundError {
  const expected = isFile
    ? 'a weight file, got no such file'
    : 'a run folder, a weight file or an official name (convnextv2 weights list), got nothing there';
  const runs = pathsIn(dirname(path)).filter((folder) => existsSync(join(folder, CHECKPOINTS)));
  const nearest = runs.length > 0 ? `; the nearest run: ${nearestWord(path, runs)}` : '';
  return ModelNotFoundError.in(path, `expected ${expected}${nearest}`);
}

/** Names in a folder, as paths; none if it is not there. */
function pathsIn(folder: string): readonly string[] {
  return isFolder(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

/** Weight file of a folder of the Hugging Face hub, or the best checkpoint of a run folder or of one with checkpoints. */
async function fileOfFolder(folder: string): Promise<string> {
  const checkpoints = join(folder, CHECKPOINTS);
  if (existsSync(checkpoints)) return (await findCheckpoint(checkpoints)).file;
  return weightFileOf(folder) ?? (await findCheckpoint(folder)).file;
}

/**
 * Pulls a published file, with license, size and progress as notices. Waits for another process that is pulling it.
 *
 * @throws as {@link file://./pull.ts}'s `pullWeights`
 */
export async function pullPublished(
  entry: CatalogEntry,
  cacheFolder: string,
  { mirror, onNotice, ...download }: PullPublishedOptions = {},
): Promise<PulledFile> {
  const { source, ...checks } = pullPlan(entry, mirror);
  onNotice?.(licenseLine(entry));
  if (!isCached(entry, cacheFolder)) onNotice?.(pullLine(entry, source.url));
  const { pullWeights } = await import('./pull.js');
  const pulled = await pullWeights(source, {
    ...download,
    ...checks,
    onRetry: (reason, pauseMs) =>
      onNotice?.(`${entry.name}: ${reason}; trying again in ${pauseMs / 1000} s`),
    onProgress: download.onProgress ?? (onNotice && progressLines(entry.name, onNotice)),
    cacheFolder,
    onWait: (holder) => onNotice?.(`${entry.name}: waiting for ${holder}, which pulls it`),
  });
  const { file, downloaded } = pulled;
  onNotice?.(`${entry.name}: ${downloaded ? 'pulled to' : 'already at'} ${file}`);
  return pulled;
}

/** The published file that a name stands for; undefined for the path of a file or folder, or an unknown name. */
export function publishedEntry(name: string): CatalogEntry | undefined {
  if (typeof (name as unknown) !== 'string' || existsSync(name)) return undefined;
  try {
    return resolveModelName(name);
  } catch {
    return undefined;
  }
}
