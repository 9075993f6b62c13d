import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { describeFailure, type Failure } from '../../core/failure.js';
import { cocoPartialResult } from '../../evaluation/coco/partial-result.js';
import type { SharedResults } from '../../evaluation/coco/shared-results.js';
import type { ThreadShard } from '../../evaluation/coco/thread-shard.js';
import { encodePartialResult } from '../../io/partial-result.js';
import { matchCoco, type CocoMatchOptions, type SharedWork } from './coco-match.js';

/** Start data of a thread. */
export interface CocoWorkerData {
  readonly options: CocoMatchOptions;
  readonly shard: ThreadShard;
}

/** Answer of a thread: its part of the detections, then its partial result; or a failure. */
export type CocoWorkerAnswer =
  | { readonly detections: SharedResults | undefined }
  | { readonly part: Uint8Array }
  | { readonly error: Failure };

/** Answer to the detections of a thread: those of all, if each could be read on its own. */
export type CocoWorkerDetections = readonly SharedResults[] | undefined;

/** Entry of a thread: matches a shard of the images and answers with a partial result. */
async function answer(
  { options, shard }: CocoWorkerData,
  exchange: SharedWork['exchange'],
): Promise<CocoWorkerAnswer> {
  try {
    const { evaluator } = await matchCoco(options, { shard, exchange });
    return { part: encodePartialResult(cocoPartialResult(evaluator)) };
  } catch (cause) {
    return { error: describeFailure(cause) };
  }
}

if (parentPort) {
  const port = parentPort;
  const message = await answer(workerData as CocoWorkerData, async (detections) => {
    port.postMessage({ detections } satisfies CocoWorkerAnswer);
    const [all] = (await once(port, 'message')) as [CocoWorkerDetections];
    return all;
  });
  port.postMessage(message, 'part' in message ? [message.part.buffer as ArrayBuffer] : []);
}
