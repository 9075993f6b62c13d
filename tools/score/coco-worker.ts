import { parentPort, workerData } from 'node:worker_threads';
import { describeFailure, type Failure } from '../../core/failure.js';
import { cocoPartialResult } from '../../evaluation/coco/partial-result.js';
import type { ThreadShard } from '../../evaluation/coco/thread-shard.js';
import { encodePartialResult } from '../../evaluation/partial-result.js';
import { matchCoco, type CocoMatchOptions } from './coco-match.js';

/** What a thread is started with. */
export interface CocoWorkerData {
  readonly options: CocoMatchOptions;
  readonly shard: ThreadShard;
}

/** What a thread answers: its part, or why there is none. */
export type CocoWorkerAnswer = { readonly part: Uint8Array } | { readonly error: Failure };

/** The work of a thread: matches a share of the images and answers with a part. */
async function answer({ options, shard }: CocoWorkerData): Promise<CocoWorkerAnswer> {
  try {
    return {
      part: encodePartialResult(cocoPartialResult((await matchCoco(options, shard)).evaluator)),
    };
  } catch (cause) {
    return { error: describeFailure(cause) };
  }
}

if (parentPort) {
  const message = await answer(workerData as CocoWorkerData);
  parentPort.postMessage(message, 'part' in message ? [message.part.buffer as ArrayBuffer] : []);
}
