import { parentPort, workerData } from 'node:worker_threads';
import { describeFailure, type Failure } from '../../core/failure.js';
import { cocoPart } from '../../evaluation/coco/part.js';
import type { ImageShard } from '../../evaluation/coco/shard.js';
import { encodePart } from '../../evaluation/part.js';
import { matchCoco, type CocoMatchOptions } from './coco-match.js';

/** What a thread is started with. */
export interface CocoWorkerData {
  readonly options: CocoMatchOptions;
  readonly shard: ImageShard;
}

/** What a thread answers: its part, or why there is none. */
export type CocoWorkerAnswer = { readonly part: Uint8Array } | { readonly error: Failure };

/** The work of a thread: matches a share of the images and answers with a part. */
async function answer({ options, shard }: CocoWorkerData): Promise<CocoWorkerAnswer> {
  try {
    return { part: encodePart(cocoPart((await matchCoco(options, shard)).evaluator)) };
  } catch (cause) {
    return { error: describeFailure(cause) };
  }
}

if (parentPort) {
  const message = await answer(workerData as CocoWorkerData);
  parentPort.postMessage(message, 'part' in message ? [message.part.buffer as ArrayBuffer] : []);
}
