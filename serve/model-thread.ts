import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { WorkError } from '../core/errors.js';
import { reviveFailure, type Failure } from '../core/failure.js';
import { disableTelemetry } from '../core/telemetry.js';
import { moduleUrl } from '../io/files/module-url.js';
import { unavailable } from './http-error.js';
import type { FromThread, Job, ModelInfo, ThreadSetup, ToThread } from './messages.js';

/**
 * Jobs that the thread has at once: one runs, and the images of the others are decoded, which a batch needs. At least two,
 * more while their images have no more pixels than this, of three bytes each.
 */
const FEWEST_JOBS = 2;
const MOST_JOBS = 16;
const MOST_PIXELS = 24_000_000;
/** Weight of the newest duration in the average that estimates the wait. */
const NEWEST = 0.2;
/** Time that the thread has to free its models. */
const CLOSE_MS = 10_000;

/** Options of a {@link ModelThread}. */
export interface ModelThreadOptions {
  readonly setup: ThreadSetup;
  /** Largest number of images that wait or run. */
  readonly capacity: number;
  readonly onNotice?: ((line: string) => void) | undefined;
  /** Called after each job with its duration in the thread, without the wait. */
  readonly onJob?: ((job: Job, seconds: number) => void) | undefined;
  /** Called if the thread ended and could not be started again. */
  readonly onFatal?: ((error: Error) => void) | undefined;
}

interface Pending {
  readonly id: number;
  readonly job: Job;
  startedMs: number;
  resolve(body: Uint8Array): void;
  reject(error: Error): void;
}

/**
 * Thread of the models, with a bounded queue in front of it. A thread that ends unexpectedly fails its jobs and is started
 * again.
 */
export class ModelThread {
  private worker!: Worker;
  private exited!: Promise<void>;
  private readonly waiting: Pending[] = [];
  private readonly running = new Map<number, Pending>();
  private lastId = 0;
  private secondsPerImage = 0.5;
  private lastAnswerMs = 0;
  private isClosed = false;
  private infos: readonly ModelInfo[] | undefined;
  /** The models, once they are open. */
  ready: Promise<readonly ModelInfo[]>;

  constructor(private readonly options: ModelThreadOptions) {
    this.ready = this.start();
  }

  /** Models that are open, undefined while they load. */
  get models(): readonly ModelInfo[] | undefined {
    return this.infos;
  }

  /** Number of images that wait. */
  get numWaiting(): number {
    return countImages(this.waiting);
  }

  /** Number of images in the thread. */
  get numRunning(): number {
    return countImages(this.running.values());
  }

  /**
   * Queues a job.
   *
   * @param signal drops a waiting job, and stops a running one after its stage
   * @returns body of the answer
   * @throws HttpError 503 if the queue is full or the thread is not ready; the library's errors of the job; the signal's
   *   reason
   */
  submit(job: Job, signal: AbortSignal): Promise<Uint8Array> {
    this.assertRoom(job.images.length);
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const abort = (): void => this.abort(pending, signal.reason as Error);
      const settled =
        <T>(settle: (value: T) => void) =>
        (value: T): void => {
          signal.removeEventListener('abort', abort);
          settle(value);
        };
      const id = ++this.lastId;
      const pending = { id, job, startedMs: 0, resolve: settled(resolve), reject: settled(reject) };
      signal.addEventListener('abort', abort);
      this.waiting.push(pending);
      this.next();
    });
  }

  /** @throws HttpError 503 if the queue has no room for so many images, or the models are not open */
  assertRoom(numImages: number): void {
    this.assertOpen();
    const queued = this.numWaiting + this.numRunning;
    if (queued > 0 && queued + numImages > this.options.capacity)
      throw unavailable(
        'QueueFull',
        `queue: expected room for ${numImages} of ${this.options.capacity} images, got ${queued} in it`,
        queued * this.secondsPerImage,
      );
  }

  /** Returns the models. @throws HttpError 503 while they load */
  assertOpen(): readonly ModelInfo[] {
    if (this.infos) return this.infos;
    throw unavailable(
      'ModelLoading',
      'serve: expected open models, got models that load; try again',
      2,
    );
  }

  /** Fails what waits, and frees the models after the running job. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.failAll(
      unavailable('ShuttingDown', 'serve: expected a running server, got one that ends'),
    );
    if (this.infos) {
      this.send({ kind: 'close' });
      await Promise.race([this.exited, delay(CLOSE_MS, undefined, { ref: false })]);
    }
    await this.worker.terminate();
  }

  private start(): Promise<readonly ModelInfo[]> {
    disableTelemetry();
    // execArgv: flags of this process, such as those of a test runner, are not for the worker.
    const worker = new Worker(moduleUrl('./worker.js', import.meta.url), {
      workerData: this.options.setup,
      execArgv: [],
    });
    this.worker = worker;
    this.exited = new Promise((resolve) => worker.once('exit', () => resolve()));
    return new Promise((resolve, reject) => {
      const unusable = (error: Error): void => {
        reject(error);
        this.stopped(error);
      };
      worker.on('message', (message: FromThread) => {
        if (message.kind === 'ready') {
          this.infos = message.models;
          resolve(message.models);
        } else if (message.kind === 'unusable') {
          reject(revived(message.failure));
          void worker.terminate();
        } else this.receive(message);
      });
      let failure: Error | undefined;
      worker.on('error', (error) => (failure = error as Error));
      worker.on('exit', (code) => {
        if (!this.isClosed)
          unusable(
            failure ?? new WorkError(`serve: expected a running thread, got exit code ${code}`),
          );
      });
    });
  }

  private receive(message: Exclude<FromThread, { readonly kind: 'ready' | 'unusable' }>): void {
    if (message.kind === 'notice') return this.options.onNotice?.(message.line);
    const pending = this.running.get(message.id);
    this.running.delete(message.id);
    if (!pending) return this.next(); // aborted
    const nowMs = performance.now();
    const seconds = (nowMs - pending.startedMs) / 1000;
    // Jobs overlap: what counts for those that wait is the time since the answer before.
    const aloneMs = nowMs - Math.max(pending.startedMs, this.lastAnswerMs);
    const perImage = aloneMs / 1000 / pending.job.images.length;
    this.secondsPerImage += NEWEST * (perImage - this.secondsPerImage);
    this.lastAnswerMs = nowMs;
    if (message.kind === 'answer') {
      this.options.onJob?.(pending.job, seconds);
      pending.resolve(message.body);
    } else pending.reject(revived(message.failure));
    this.next();
  }

  private next(): void {
    for (;;) {
      const [pending] = this.waiting;
      if (!(pending as Pending | undefined) || !this.hasRoomFor(pending)) return;
      this.waiting.shift();
      pending.startedMs = performance.now();
      this.running.set(pending.id, pending);
      this.send({ kind: 'job', id: pending.id, job: pending.job });
    }
  }

  private hasRoomFor({ job }: Pending): boolean {
    const { size } = this.running;
    if (size < FEWEST_JOBS || size >= MOST_JOBS) return size < FEWEST_JOBS;
    let pixels = countPixels(job);
    for (const other of this.running.values()) pixels += countPixels(other.job);
    return pixels <= MOST_PIXELS;
  }

  private abort(pending: Pending, reason: Error): void {
    const place = this.waiting.indexOf(pending);
    if (place >= 0) this.waiting.splice(place, 1);
    // A running job keeps its place until the thread has noticed.
    else if (this.running.has(pending.id)) this.send({ kind: 'abort', id: pending.id });
    pending.reject(reason);
  }

  private send(message: ToThread): void {
    const images = message.kind === 'job' ? message.job.images : [];
    // Small bodies are views of a buffer that is shared; they are copied.
    const moved = images
      .map(({ bytes }) => bytes)
      .filter(({ byteLength, buffer }) => byteLength === buffer.byteLength)
      .map(({ buffer }) => buffer as ArrayBuffer);
    this.worker.postMessage(message, moved);
  }

  /** Starts the thread again if it has served before. */
  private stopped(error: Error): void {
    const hasServed = this.infos !== undefined;
    this.infos = undefined;
    this.failAll(
      unavailable('ModelStopped', `serve: the model thread ended (${error.message}); try again`, 5),
    );
    if (!hasServed || this.isClosed) return;
    this.options.onNotice?.(
      `warning: the model thread ended (${error.message}); it is started again`,
    );
    this.ready = this.start();
    this.ready.catch((fatal: Error) => this.options.onFatal?.(fatal));
  }

  private failAll(error: Error): void {
    const all = [...this.waiting.splice(0), ...this.running.values()];
    this.running.clear();
    for (const { reject } of all) reject(error);
  }
}

/** Unexpected errors stay plain ones, whose messages are not for clients. */
function revived(failure: Failure): Error {
  if (failure.name === 'WorkError') return new WorkError(failure.message);
  const error = reviveFailure(failure, 'serve');
  return error instanceof WorkError ? new Error(failure.stack) : error;
}

/** Pixels of the images of a job; one whose size is not known counts as large. */
function countPixels({ images }: Job): number {
  return images.reduce((sum, { pixels = MOST_PIXELS }) => sum + pixels, 0);
}

function countImages(jobs: Iterable<Pending>): number {
  let count = 0;
  for (const { job } of jobs) count += job.images.length;
  return count;
}
