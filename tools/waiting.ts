import { Worker } from 'node:worker_threads';
import { oneLine } from '../core/controls.js';

/** Time without output after which a command says what it waits for. */
const SILENCE_MS = 700;

/**
 * The thread: loading and building graphs keep the thread of the command from running timers. A message is written unless
 * the command has written anything meanwhile, which counts up the shared number.
 */
const THREAD = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { writeSync } = require('node:fs');
  parentPort.on('message', ({ line, count }) => setTimeout(() => {
    if (Atomics.load(workerData.counter, 0) !== count) return;
    try { writeSync(2, line); } catch {}
  }, workerData.silenceMs));
`;

let counter: Int32Array<SharedArrayBuffer> | undefined;
let thread: Worker | undefined;

/** Makes {@link waitsFor} effective: for the command line of a person, not for calls within a program. */
export function tellWaits(): void {
  const written = (counter = new Int32Array(new SharedArrayBuffer(4)));
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    stream.write = (...args: unknown[]) => {
      Atomics.add(written, 0, 1);
      return write(...args);
    };
  }
}

/** Notes what the command begins to wait for; it is written if nothing else is within a second. */
export function waitsFor(what: string): void {
  if (counter === undefined) return;
  thread ??= start(counter);
  thread.postMessage({
    line: `${oneLine(what)} …\n`,
    count: Atomics.add(counter, 0, 1) + 1,
  });
}

function start(shared: Int32Array<SharedArrayBuffer>): Worker {
  const worker = new Worker(THREAD, {
    eval: true,
    execArgv: [],
    workerData: { counter: shared, silenceMs: SILENCE_MS },
  });
  worker.on('error', () => undefined); // messages are a courtesy
  worker.unref();
  return worker;
}
