import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DownloadError, WeightsError, WorkError } from '../../core/errors.js';
import { syncFolder } from '../../io/files/atomic.js';
import { acquireLock } from '../../io/files/lock.js';
import { sha256OfFile } from '../../io/files/sha256.js';
import { checkRecord, readRecord, writeRecord } from '../record.js';
import { explainedWrite } from './disk.js';
import { download, type DownloadOptions } from './download.js';
import { PartialFile } from './partial.js';

/** A file that can be pulled, e.g. a catalog entry. */
interface PullSource extends Readonly<Record<'url' | 'fileName' | 'license', string>> {
  /** Beginning of the SHA-256, if the publisher states it. */
  readonly sha256Prefix?: string | undefined;
}

/** Destination and options of a pull. */
export interface PullOptions extends DownloadOptions {
  readonly cacheFolder: string;
  /** Checks the complete file before it is renamed; throws to reject it. */
  readonly check?: ((file: string) => Promise<void>) | undefined;
  /** Waits for another process that is pulling the same file, with this called once; default: that is an error. */
  readonly onWait?: ((holder: string) => void) | undefined;
  /** Time without progress of the other process after which waiting ends; default 60,000 ms. */
  readonly stallMs?: number | undefined;
}

const STALL_MS = 60_000;

/** A file in the cache. */
export interface PulledFile {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  /** False if the file existed already. */
  readonly downloaded: boolean;
}

/**
 * Downloads a file to the cache, or checks the existing one against its record. A file placed there manually is checked
 * and recorded. Interrupted downloads are resumed.
 *
 * @throws WorkError, WeightsError as {@link download} and {@link checkRecord}; WeightsError if the file differs from the
 *   published checksum or from the one recorded when it was pulled before
 */
export async function pullWeights(source: PullSource, options: PullOptions): Promise<PulledFile> {
  const file = join(options.cacheFolder, source.fileName);
  await mkdir(dirname(file), { recursive: true }).catch((error: unknown) => {
    throw explainedWrite(error, file);
  });
  try {
    if (existsSync(file)) return await recordExisting(file, source, options);
    const release = await lockDownload(file, options);
    try {
      // While waiting for the lock, another process may have pulled it.
      if (existsSync(file)) return await recordExisting(file, source, options);
      return await pullNew(file, source, options);
    } finally {
      release();
    }
  } catch (error) {
    throw explainedWrite(error, file);
  }
}

/**
 * Keeps other processes from downloading the file, too: two that append to one file would produce a corrupt file with a
 * valid record.
 *
 * @returns ends the lock
 * @throws WorkError if another process downloads it, and is not waited for or does not move on
 */
async function lockDownload(
  file: string,
  { onWait, stallMs = STALL_MS }: PullOptions,
): Promise<() => void> {
  const path = `${file}.lock`;
  const lock = await acquireLock(path, {
    what: 'pull',
    onWait,
    waitMs: onWait ? stallMs : 0,
    progress: onWait && (() => new PartialFile(`${file}.part`).sizeBytes()),
    refusal: (holder) =>
      new WorkError(
        `pull: expected no other download of this file, got one by ${holder} (if it is gone, delete ${path})`,
      ),
  });
  return () => lock.release();
}

async function pullNew(
  file: string,
  source: PullSource,
  options: PullOptions,
): Promise<PulledFile> {
  const partial = new PartialFile(`${file}.part`);
  const remedy = `download it elsewhere and put it at ${file}`;
  const { bytes, etag, lastModified } = await download(source.url, partial.path, remedy, options);
  const sha256 = await sha256OfFile(partial.path);
  try {
    await checkSum(file, source, sha256);
    await options.check?.(partial.path);
  } catch (error) {
    await partial.discard();
    throw ofServer(error, partial.path, source.url);
  }
  // The record is written first: after a crash in between, a file without a record would not be checked.
  const { url, license } = source;
  await writeRecord(file, { url, bytes, sha256, etag, lastModified, licence: license });
  await rename(partial.path, file);
  syncFolder(dirname(file));
  await partial.finish();
  return { file, bytes, sha256, downloaded: true };
}

/** Error of a check that names the address in place of the file, which is deleted. */
function ofServer(error: unknown, partial: string, url: string): unknown {
  if (!(error instanceof WeightsError) || !error.message.startsWith(`${partial}: `)) return error;
  const message = error.message.slice(partial.length + 2);
  return new DownloadError(`pull: ${url}: ${message}; it was not kept`, { cause: error });
}

/** Compares a checksum with the published one, or with that of an earlier pull of which the record is left. */
async function checkSum(file: string, source: PullSource, sha256: string): Promise<void> {
  const { url, sha256Prefix = '' } = source;
  if (!sha256.startsWith(sha256Prefix))
    throw new DownloadError(
      `pull: ${url}: expected a file with sha256 ${sha256Prefix}… as published, got ${sha256}; ` +
        'the file was changed on its way or on the server',
      { file },
    );
  const earlier = await readRecord(file);
  if (earlier && earlier.sha256 !== sha256)
    throw new DownloadError(
      `pull: ${url}: expected sha256 ${earlier.sha256} as recorded on ${earlier.recordedAt}, got ${sha256}; ` +
        `the file on the server changed since; delete ${file}.json to accept the new one`,
      { file },
    );
}

async function recordExisting(
  file: string,
  source: PullSource,
  { check }: PullOptions,
): Promise<PulledFile> {
  const { sha256, bytes, recorded } = await checkRecord(file);
  if (!recorded) {
    const { license, sha256Prefix = '' } = source;
    if (!sha256.startsWith(sha256Prefix))
      throw DownloadError.in(file, `expected sha256 ${sha256Prefix}… as published, got ${sha256}`);
    await check?.(file);
    await writeRecord(file, {
      url: null,
      bytes,
      sha256,
      etag: null,
      lastModified: null,
      licence: license,
    });
  }
  return { file, sha256, bytes, downloaded: false };
}
