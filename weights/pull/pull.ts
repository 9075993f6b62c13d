import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '../../io/files/atomic.js';
import { sha256OfFile } from '../../io/files/sha256.js';
import { checkRecord, writeRecord } from '../record.js';
import { download, type DownloadOptions } from './download.js';
import { withLock } from './lock.js';
import { PartialFile } from './partial.js';

/** A file that can be pulled, e.g. a catalogue entry. */
type PullSource = Readonly<Record<'url' | 'fileName' | 'licence', string>>;

/** Destination and options of a pull. */
export interface PullOptions extends DownloadOptions {
  readonly cacheFolder: string;
  /** Checks the complete file before it is renamed; throws to reject it. */
  readonly check?: (file: string) => Promise<void>;
}

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
 * @throws WorkError, WeightsError as {@link download} and {@link checkRecord}
 */
export async function pullWeights(source: PullSource, options: PullOptions): Promise<PulledFile> {
  const file = join(options.cacheFolder, source.fileName);
  await mkdir(dirname(file), { recursive: true });
  if (existsSync(file)) return { ...(await recordExisting(file, source, options)), file };
  return withLock(`${file}.lock`, async () => {
    const partial = new PartialFile(`${file}.part`);
    const remedy = `download it elsewhere and put it at ${file}`;
    const { bytes, etag, lastModified } = await download(source.url, partial.path, remedy, options);
    try {
      await options.check?.(partial.path);
    } catch (error) {
      await partial.discard();
      throw error;
    }
    const sha256 = await sha256OfFile(partial.path);
    // The record is written first: after a crash in between, a file without a record would not be checked.
    const { url, licence } = source;
    await writeRecord(file, { url, bytes, sha256, etag, lastModified, licence });
    await rename(partial.path, file);
    syncFolder(dirname(file));
    await partial.finish();
    return { file, bytes, sha256, downloaded: true };
  });
}

async function recordExisting(
  file: string,
  source: PullSource,
  { check }: PullOptions,
): Promise<Omit<PulledFile, 'file'>> {
  const { sha256, bytes, recorded } = await checkRecord(file);
  if (!recorded) {
    await check?.(file);
    const { licence } = source;
    await writeRecord(file, { url: null, bytes, sha256, etag: null, lastModified: null, licence });
  }
  return { sha256, bytes, downloaded: false };
}
