/** Entry of a loader's worker thread: runs the pipeline named in `workerData`. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import sharp from 'sharp';
import { describeFailure } from '../../core/failure.js';
import type { FromWorker, ToWorker, WorkerSetup } from './messages.js';
import { loadPipelineModule } from './load-pipeline.js';
import { PipelineRuntime } from './runtime.js';

if (!isMainThread && parentPort !== null) await start(parentPort, workerData as WorkerSetup);

async function start(
  port: NonNullable<typeof parentPort>,
  { pipelineUrl, pipelineOptions, runtime }: WorkerSetup,
): Promise<void> {
  const post = (message: FromWorker, buffers: readonly ArrayBuffer[]): void =>
    port.postMessage(message, buffers as ArrayBuffer[]);
  try {
    // Parallelism comes from the workers; libvips' cache would keep images that are read only once.
    sharp.concurrency(1);
    sharp.cache(false);
    const pipeline = (await loadPipelineModule(pipelineUrl)).createPipeline(pipelineOptions);
    const running = new PipelineRuntime(pipeline, runtime, post);
    port.on('message', (message: ToWorker) => running.receive(message));
  } catch (error) {
    post({ kind: 'unusable', failure: describeFailure(error) }, []);
  }
}
