import { parentPort, workerData } from 'node:worker_threads';
import { describeFailure } from '../../core/failure.js';
import type { FromChecksumThread, ToChecksumThread } from './checksum-thread.js';
import { checksumOfFile } from './checksum.js';

/** Thread that reads one file. */
const { file, kind } = workerData as ToChecksumThread;
let answer: FromChecksumThread;
try {
  answer = { checksum: await checksumOfFile(file, kind) };
} catch (error) {
  answer = { failure: describeFailure(error) };
}
parentPort?.postMessage(answer);
