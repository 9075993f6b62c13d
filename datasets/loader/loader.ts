import { assertObject } from '../../core/arguments.js';
import { ConfigError, WorkError } from '../../core/errors.js';
import { reviveFailure } from '../../core/failure.js';
import { sum } from '../../core/statistics.js';
import { BufferPool } from './buffer-pool.js';
import { startInline, startThread, type Host } from './host.js';
import { loadPipelineModule } from './load-pipeline.js';
import { inProgress, type BatchRequest, type FromWorker } from './messages.js';
import type { Collated, Receiver } from './pipeline.js';
import {
  batchesFrom,
  epochBatches,
  type PlannedBatch,
  type SamplerOptions,
  type SamplerPosition,
} from './sampler.js';

/** Samples of a data set, e.g. an array. They are sent to the workers, so they must be structured-cloneable and small. */
export interface SampleSource<Sample> {
  readonly length: number;
  /** Sample `index`, 0 … `length − 1`. */
  at(index: number): Sample | undefined;
}

/** Options of a {@link Loader}. */
export interface LoaderOptions<Sample> {
  readonly samples: SampleSource<Sample>;
  readonly sampler: SamplerOptions;
  /** URL of a `PipelineModule` in JavaScript, see `moduleUrl`. */
  readonly pipeline: URL;
  /** Options of `createPipeline`; structured-cloneable. */
  readonly pipelineOptions: unknown;
  /** Number of worker threads; 0 runs the pipeline in this thread. */
  readonly numWorkers: number;
  /** Largest number of batches in preparation or waiting, not counting the caller's; default: two per worker. */
  readonly prefetch?: number | undefined;
  /** Number of samples that a worker prepares concurrently; default 2, so that decoding overlaps with transforms. */
  readonly concurrency?: number | undefined;
}

/** A batch with its position. */
export interface LoadedBatch<Value> extends PlannedBatch {
  readonly value: Value;
  /** Returns the buffers of `value` for reuse; it must not be read afterward. Without this call loading is only slower. */
  release(): void;
}

interface Waiting {
  readonly samples: readonly unknown[];
  readonly host: number;
  resolve(answer: Collated<unknown>): void;
  reject(error: Error): void;
}

interface Ordered {
  readonly id: number;
  readonly plan: PlannedBatch;
  readonly answer: Promise<Collated<unknown>>;
}

/**
 * Loads batches in worker threads. Order and content depend only on seed, epoch and sample index, not on the number of
 * workers. At most `prefetch` batches are loaded ahead. An error, with the file's name, is thrown at the turn of its
 * batch.
 *
 * @typeParam Value batch type: the result of the pipeline's receiver or, without one, of its `collate`
 */
export class Loader<Sample, Value> {
  private readonly hosts: readonly Host[];
  private readonly load: number[];
  /** Times that the workers have spent on batches, in milliseconds. */
  private readonly busy: number[];
  private readonly waiting = new Map<number, Waiting>();
  /** Buffers of released batches, to be sent to the workers again. */
  private readonly returning = new BufferPool();
  /** Buffers of this thread, for receivers. */
  private readonly own = new BufferPool();
  private readonly receiver: Promise<Receiver<unknown, unknown> | undefined>;
  private readonly prefetch: number;
  private lastId = 0;
  private broken: Error | undefined;

  /** @throws ConfigError for counts that are not whole numbers in range */
  constructor(private readonly options: LoaderOptions<Sample>) {
    assertObject('Loader', 'an object of options', options, 'samples', 'sampler');
    const { samples, sampler, numWorkers, prefetch, concurrency = 2 } = options;
    this.prefetch = prefetch ?? Math.max(numWorkers, 1) * 2;
    const isWhole = (n: number, least: number): boolean => Number.isInteger(n) && n >= least;
    if (!isWhole(numWorkers, 0) || !isWhole(this.prefetch, 1) || !isWhole(concurrency, 1))
      throw new ConfigError(
        `loader: expected whole numWorkers >= 0, prefetch >= 1, concurrency >= 1, got ` +
          `${numWorkers}, ${this.prefetch}, ${concurrency}`,
      );
    const setup = {
      pipelineUrl: options.pipeline.href,
      pipelineOptions: options.pipelineOptions,
      runtime: { seed: sampler.seed, numSamples: samples.length, concurrency },
    };
    this.receiver = loadPipelineModule(options.pipeline.href).then(({ createReceiver }) =>
      createReceiver?.(options.pipelineOptions),
    );
    this.receiver.catch(() => undefined); // reported by the iteration
    const start = numWorkers === 0 ? startInline : startThread;
    this.hosts = Array.from({ length: Math.max(numWorkers, 1) }, (_, host) =>
      start(setup, (message) => this.answer(host, message)),
    );
    this.load = this.hosts.map(() => 0);
    this.busy = this.hosts.map(() => 0);
  }

  /** Number of batches in an epoch of this shard. */
  numBatches(epoch = 0): number {
    return epochBatches(this.options.samples.length, this.options.sampler, epoch).length;
  }

  /** Time that all workers together have spent on the batches so far, in milliseconds. */
  get busyMs(): number {
    return sum(this.busy);
  }

  /** Iterates over the batches of one epoch in order, from batch `from`. */
  epoch(epoch: number, from = 0): AsyncGenerator<LoadedBatch<Value>, void> {
    return this.stream({ epoch, batch: from }, epoch + 1);
  }

  /**
   * Iterates over batches from `position` through all epochs before `numEpochs`; the next epoch is prefetched before one
   * ends.
   */
  async *stream(
    position: SamplerPosition,
    numEpochs = Infinity,
  ): AsyncGenerator<LoadedBatch<Value>, void> {
    const { samples, sampler } = this.options;
    const plan = batchesFrom(samples.length, sampler, position, numEpochs);
    const ahead: Ordered[] = [];
    const order = (): void => {
      while (ahead.length < this.prefetch) {
        const { done, value } = plan.next();
        if (done) return;
        ahead.push(this.request(value));
      }
    };
    try {
      for (order(); ahead.length > 0;) {
        const receiver = await this.receiver;
        const { plan: planned, answer } = ahead[0];
        const arrived = await answer;
        ahead.shift();
        const batch = this.receive(planned, arrived, receiver);
        order(); // before the caller processes the batch, so that the workers continue meanwhile
        yield batch;
      }
    } finally {
      this.cancel(ahead.map(({ id }) => id));
    }
  }

  /** Stops the workers. Batches still awaited are rejected. */
  async close(): Promise<void> {
    this.fail(new WorkError('loader: closed'));
    await Promise.all(this.hosts.map((host) => host.close()));
  }

  private request(plan: PlannedBatch): Ordered {
    if (this.broken) throw this.broken;
    const id = ++this.lastId;
    const host = this.load.indexOf(Math.min(...this.load));
    const buffers = this.returning.takeAll();
    const indices = Array.from(plan.indices);
    const samples = indices.map((index) => this.options.samples.at(index));
    const { epoch, batch: batchIndex } = plan;
    const request: BatchRequest = { id, epoch, batchIndex, indices, samples, buffers };
    const answer = new Promise<Collated<unknown>>((resolve, reject) => {
      this.waiting.set(id, { host, samples, reject, resolve });
    });
    answer.catch(() => undefined); // reported at its turn, not as an unhandled rejection before
    this.setLoad(host, 1);
    this.hosts[host].send({ kind: 'batch', request }, buffers);
    return { id, plan, answer };
  }

  private receive(
    plan: PlannedBatch,
    arrived: Collated<unknown>,
    receiver: Receiver<unknown, unknown> | undefined,
  ): LoadedBatch<Value> {
    const giveBack = (pool: BufferPool, { buffers }: Collated<unknown>): void =>
      buffers.forEach((buffer) => pool.give(buffer));
    const { value, buffers } = receiver ? receiver(arrived.value, this.own) : arrived;
    if (receiver) giveBack(this.returning, arrived);
    const pool = receiver ? this.own : this.returning;
    let isReleased = false;
    const release = (): void => {
      if (!isReleased) giveBack(pool, { value, buffers });
      isReleased = true; // a buffer returned twice would be used for two batches
    };
    return { ...plan, value: value as Value, release };
  }

  private answer(host: number, message: FromWorker): void {
    switch (message.kind) {
      case 'batch':
        this.busy[host] = message.busyMs;
        this.settle(message.id)?.resolve(message);
        return;
      case 'failed':
        this.settle(message.id)?.reject(reviveFailure(message.failure, 'loader'));
        return;
      case 'canceled':
        message.buffers.forEach((buffer) => this.returning.give(buffer));
        this.settle(message.id);
        return;
      case 'fetch': {
        const sample = this.options.samples.at(message.index);
        this.hosts[host].send({ kind: 'sample', fetchId: message.fetchId, sample });
        return;
      }
      case 'unusable':
        this.fail(reviveFailure(inProgress(message.failure, this.firstOf(host)), 'loader'));
        return;
      default:
        message satisfies never;
    }
  }

  /** Samples of the batch that a host is processing; batches are processed in order. */
  private firstOf(host: number): readonly unknown[] {
    return [...this.waiting.values()].find((waiting) => waiting.host === host)?.samples ?? [];
  }

  private settle(id: number): Waiting | undefined {
    const waiting = this.waiting.get(id);
    if (waiting) this.setLoad(waiting.host, -1);
    this.waiting.delete(id);
    return waiting;
  }

  private setLoad(host: number, change: number): void {
    this.load[host] += change;
    this.hosts[host].setBusy(this.load[host] > 0);
  }

  private cancel(ids: readonly number[]): void {
    if (ids.length === 0 || this.broken) return;
    this.hosts.forEach((host) => host.send({ kind: 'cancel', ids }));
  }

  private fail(error: Error): void {
    this.broken ??= error;
    for (const id of [...this.waiting.keys()]) this.settle(id)?.reject(this.broken);
  }
}
