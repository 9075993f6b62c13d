import { Worker } from 'node:worker_threads';
import { WorkError } from '../../core/errors.js';
import { loadPipelineModule } from './load-pipeline.js';
import { describeFailure } from '../../core/failure.js';
import type { FromWorker, ToWorker, WorkerSetup } from './messages.js';
import { moduleUrl } from '../../io/files/module-url.js';
import { PipelineRuntime } from './runtime.js';

/** Main thread's handle of a running pipeline. */
export interface Host {
  /** Sends a message; `buffers` are moved. */
  send(message: ToWorker, buffers?: readonly ArrayBuffer[]): void;
  /** Sets whether the process must stay alive for pending answers. */
  setBusy(isBusy: boolean): void;
  close(): Promise<void>;
}

/** Called with every answer of a host; `unusable` means that it will not answer again. */
type HostListener = (message: FromWorker) => void;

/** Starts a worker thread. Errors in it are reported to the listener. */
export function startThread(setup: WorkerSetup, listener: HostListener): Host {
  // execArgv: flags of this process, such as those of a test runner, are not for the worker.
  const worker = new Worker(moduleUrl('./worker.js', import.meta.url), {
    workerData: setup,
    execArgv: [],
  });
  let isClosed = false;
  worker.on('message', listener);
  worker.on('error', (error) => listener({ kind: 'unusable', failure: describeFailure(error) }));
  worker.on('exit', (code) => {
    const error = new WorkError(`worker stopped with exit code ${code}`);
    if (!isClosed) listener({ kind: 'unusable', failure: describeFailure(error) });
  });
  worker.unref();
  return {
    send: (message, buffers = []) => worker.postMessage(message, buffers as ArrayBuffer[]),
    setBusy: (isBusy) => (isBusy ? worker.ref() : worker.unref()),
    async close() {
      isClosed = true;
      await worker.terminate();
    },
  };
}

/** Runs the pipeline in this thread, for debugging and tiny sets: same batches, no parallelism. */
export function startInline(setup: WorkerSetup, listener: HostListener): Host {
  let isClosed = false;
  const answer = (message: FromWorker): void => {
    if (!isClosed) listener(message);
  };
  const runtime = loadPipelineModule(setup.pipelineUrl).then(
    (module) =>
      new PipelineRuntime(module.createPipeline(setup.pipelineOptions), setup.runtime, answer),
    (error: unknown) => answer({ kind: 'unusable', failure: describeFailure(error) }),
  );
  return {
    send: (message) => void runtime.then((ready) => ready?.receive(message)),
    setBusy: () => undefined,
    close: () => {
      isClosed = true;
      return Promise.resolve();
    },
  };
}
