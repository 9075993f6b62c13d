import { parentPort, workerData } from 'node:worker_threads';
import { describeFailure, type Failure } from '../../core/failure.js';
import { cocoPartialResult } from '../../evaluation/coco/partial-result.js';
import type { ThreadShard } from '../../evaluation/coco/thread-shard.js';
import { encodePartialResult } from '../../evaluation/partial-result.js';
import { matchCoco, type CocoMatchOptions } from './coco-match.js';

/** Start data of a thread. */
export interface CocoWorkerData {
  readonly options: CocoMatchOptions;
  readonly shard: ThreadShard;
}

/** Answer of a thread: its partial result, or a failure. */
export type CocoWorkerAnswer = { readonly part: Uint8Array } | { readonly error: Failure };

/** Entry of a thread: matches a shard of the images and answers with a partial result. */
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
