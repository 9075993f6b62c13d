import { describeFailure } from '../../core/failure.js';
import { Random } from '../../core/random.js';
import { BufferPool } from './buffer-pool.js';
import {
  describeSampleFailure,
  type BatchRequest,
  type FromWorker,
  type RuntimeOptions,
  type ToWorker,
} from './messages.js';
import type { Pipeline } from './pipeline.js';

/** Sends a message; `buffers` are moved. */
type Post = (message: FromWorker, buffers: readonly ArrayBuffer[]) => void;

/** Thrown inside a canceled request. */
const CANCELED = Symbol('canceled');

/** Separates the random streams of batches from those of samples. */
const BATCH_STREAM = 0x6261;

/**
 * Runs a pipeline in one worker: processes requests in order, prepares a few samples concurrently, including those of the
 * next request while the current one finishes, and posts finished batches.
 */
export class PipelineRuntime {
  private readonly buffers = new BufferPool();
  private readonly open = new Set<number>();
  private readonly waiting: (() => void)[] = [];
  private readonly fetches = new Map<number, (sample: unknown) => void>();
  private running = 0;
  /** Time at which the first of the samples in preparation was begun. */
  private busySince = 0;
  private busyMs = 0;
  private lastFetchId = 0;

  constructor(
    private readonly pipeline: Pipeline<unknown, unknown, unknown>,
    private readonly options: RuntimeOptions,
    private readonly post: Post,
  ) {}

  /** Handles a message of the main thread. */
  receive(message: ToWorker): void {
    switch (message.kind) {
      case 'batch':
        void this.run(message.request);
        return;
      case 'cancel':
        message.ids.forEach((id) => this.open.delete(id));
        return;
      case 'sample':
        this.fetches.get(message.fetchId)?.(message.sample);
        this.fetches.delete(message.fetchId);
        return;
      default:
        message satisfies never;
    }
  }

  private async run(request: BatchRequest): Promise<void> {
    const { id, epoch, batchIndex, indices, samples } = request;
    this.open.add(id);
    request.buffers.forEach((buffer) => this.buffers.give(buffer));
    const prepared = await Promise.allSettled(
      samples.map((sample, i) => this.prepare(id, sample, epoch, indices[i])),
    );
    const isWanted = this.open.delete(id);
    if (!isWanted) {
      const buffers = this.buffers.takeAll();
      this.post({ kind: 'canceled', id, buffers }, buffers);
      return;
    }
    const failed = prepared.findIndex((item) => item.status === 'rejected');
    if (failed >= 0) {
      const { reason } = prepared[failed] as PromiseRejectedResult;
      this.post(
        { kind: 'failed', id, failure: describeSampleFailure(reason, samples[failed]) },
        [],
      );
      return;
    }
    try {
      const items = prepared.map((item) => (item as PromiseFulfilledResult<unknown>).value);
      const { seed } = this.options;
      // The first index distinguishes batches of the same number in different shards.
      const random = new Random(seed, epoch, batchIndex, indices[0], BATCH_STREAM);
      const context = { epoch, batchIndex, indices, random, buffers: this.buffers };
      const start = performance.now();
      const { value, buffers } = this.pipeline.collate(items, context);
      if (this.running === 0) this.busyMs += performance.now() - start;
      this.post({ kind: 'batch', id, value, buffers, busyMs: this.busyMs }, buffers);
    } catch (error) {
      this.post({ kind: 'failed', id, failure: describeFailure(error) }, []);
    }
  }

  private async prepare(
    requestId: number,
    sample: unknown,
    epoch: number,
    index: number,
  ): Promise<unknown> {
    if (this.running >= this.options.concurrency)
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    else if (this.running++ === 0) this.busySince = performance.now();
    try {
      if (!this.open.has(requestId)) throw CANCELED;
      const { seed, numSamples } = this.options;
      const random = new Random(seed, epoch, index);
      const fetch = (other: number): Promise<unknown> => this.fetch(other);
      const context = { index, epoch, random, buffers: this.buffers, numSamples, fetch };
      return await this.pipeline.prepare(sample, context);
    } finally {
      // Pass the slot on, or release it.
      const next = this.waiting.shift();
      if (next) next();
      else if (--this.running === 0) this.busyMs += performance.now() - this.busySince;
    }
  }

  private fetch(index: number): Promise<unknown> {
    const fetchId = ++this.lastFetchId;
    this.post({ kind: 'fetch', fetchId, index }, []);
    return new Promise((resolve) => this.fetches.set(fetchId, resolve));
  }
}
