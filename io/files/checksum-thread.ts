import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { WorkError } from '../../core/errors.js';
import { reviveFailure, type Failure } from '../../core/failure.js';
import { checksumOfFile, type ChecksumKind } from './checksum.js';
import { moduleUrl } from './module-url.js';

/** A file to read. */
export interface ToChecksumThread {
  readonly file: string;
  readonly kind: ChecksumKind;
}

/** The checksum of the file, or why there is none. */
export interface FromChecksumThread {
  readonly checksum?: string;
  readonly failure?: Failure;
}

/** A smaller file is read before a thread has started. */
const SMALL_BYTES = 2 ** 26;

/** {@link checksumOfFile} in a thread of its own if the file is large, so that its content can be used meanwhile. */
export async function checksumInThread(file: string, kind: ChecksumKind): Promise<string> {
  if ((await stat(file)).size < SMALL_BYTES) return checksumOfFile(file, kind);
  const worker = new Worker(moduleUrl('./checksum-worker.js', import.meta.url), {
    workerData: { file, kind } satisfies ToChecksumThread,
    execArgv: [],
  });
  return new Promise((resolve, reject) => {
    worker.once('message', ({ checksum, failure }: FromChecksumThread) => {
      if (checksum !== undefined) resolve(checksum);
      else if (failure) reject(reviveFailure(failure, 'checksum'));
    });
    worker.once('error', reject);
    // After a message it changes nothing.
    worker.once('exit', () => {
      reject(new WorkError(`${file}: expected a checksum, got a thread that ended`));
    });
  });
}
