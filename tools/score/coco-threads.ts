import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { OptionError, WorkError } from '../../core/errors.js';
import { reviveFailure } from '../../core/failure.js';
import { moduleUrl } from '../../io/files/module-url.js';
import type { SharedResults } from '../../evaluation/coco/shared-results.js';
import type { CocoMatchOptions, SharedWork } from './coco-match.js';
import type { CocoWorkerAnswer, CocoWorkerData, CocoWorkerDetections } from './coco-worker.js';

/** Threads that match shards of the images. */
interface CocoThreads {
  /** One per thread. */
  readonly parts: Promise<readonly Uint8Array[]>;
  /** Gives the caller's part of the detections to the threads, and gets those of all. */
  readonly exchange: SharedWork['exchange'];
  /** Ends the threads, finished or not. */
  readonly stop: () => Promise<void>;
}

/** Whether built JavaScript for a thread exists. */
export function canStartThreads(): boolean {
  return existsSync(fileURLToPath(workerUrl()));
}

/**
 * Starts the threads for all shards except the first, which the caller processes.
 *
 * @param count number of shards
 * @throws ConfigError for more than one shard if there are only sources
 */
export function startCocoThreads(options: CocoMatchOptions, count: number): CocoThreads {
  if (count > 1 && !canStartThreads())
    throw new OptionError(
      '--threads: expected a built program for more than 1 thread, got sources; run npm run build',
    );
  const { gt, dt, iouType, parameters, unknownImages } = options;
  const workers = Array.from({ length: Math.max(0, count - 1) }, (_, i) => {
    const shard = { index: i + 1, count };
    const plain = { gt, dt, iouType, parameters, unknownImages };
    return new Worker(workerUrl(), {
      workerData: { options: plain, shard } satisfies CocoWorkerData,
    });
  });
  const parts = Promise.all(workers.map(partOf));
  const detections = Promise.all(workers.map(detectionsOf));
  // The caller may fail first and never await the partial results.
  parts.catch(() => undefined);
  return {
    parts,
    exchange: async (own) => {
      const given = [own, ...(await detections)];
      const all = given.every((one) => one !== undefined) ? given : undefined;
      for (const worker of workers) worker.postMessage(all satisfies CocoWorkerDetections);
      return all;
    },
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

function workerUrl(): URL {
  return moduleUrl('./coco-worker.js', import.meta.url);
}

function partOf(worker: Worker): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    worker.on('message', (answer: CocoWorkerAnswer) => {
      if ('part' in answer) resolve(answer.part);
      else if ('error' in answer) reject(reviveFailure(answer.error, 'score'));
    });
    worker.on('error', (cause) =>
      reject(
        new WorkError(`score: expected the thread to finish, got ${cause.message}`, { cause }),
      ),
    );
    worker.on('exit', (code) =>
      reject(new WorkError(`score: expected the thread to finish, got exit code ${code}`)),
    );
  });
}

/** The part of the detections that a thread has read; undefined if it has failed, too. */
function detectionsOf(worker: Worker): Promise<SharedResults | undefined> {
  return new Promise((resolve) => {
    worker.on('message', (answer: CocoWorkerAnswer) =>
      resolve('detections' in answer ? answer.detections : undefined),
    );
    worker.on('error', () => resolve(undefined));
    worker.on('exit', () => resolve(undefined));
  });
}
