import { ConfigError } from '../../core/errors.js';
import { Random } from '../../core/random.js';

/** Order and grouping of samples. */
export interface SamplerOptions {
  readonly batchSize: number;
  /** Whether to shuffle every epoch; otherwise the order is that of the data set. */
  readonly shuffle: boolean;
  readonly seed: number;
  /**
   * Handling of samples that don't fill a batch: `keep` yields a smaller one (every sample exactly once: evaluation),
   * `drop` leaves them out, `fill` repeats samples from the start of the epoch.
   */
  readonly lastBatch: 'keep' | 'drop' | 'fill';
  /** `[numSamples]`; a batch contains only samples of the same group (e.g. landscape or portrait). */
  readonly groups?: ArrayLike<number> | undefined;
  /** Shard of this process if there are several; all have the same seed. */
  readonly shard?: { readonly index: number; readonly count: number };
}

/** Position to resume from; saved in checkpoints. */
export interface SamplerPosition {
  readonly epoch: number;
  /** Number of finished batches of the epoch. */
  readonly batch: number;
}

/** One batch to load. */
export interface PlannedBatch extends SamplerPosition {
  /** Sample indices. */
  readonly indices: Int32Array;
  /** The position after this batch. */
  readonly next: SamplerPosition;
}

/** Separates the random stream of the order from those of samples. */
const ORDER_STREAM = 0x6f72;

/**
 * Computes the batches of an epoch: a pure function of seed and epoch, so that a resumed run continues exactly.
 *
 * @param numSamples of the data set
 * @returns sample indices of each batch of this shard
 * @throws ConfigError for sizes that are not whole numbers in range
 */
export function epochBatches(
  numSamples: number,
  options: SamplerOptions,
  epoch: number,
): readonly Int32Array[] {
  assertSampler(numSamples, options);
  const { batchSize, shuffle, seed, lastBatch, shard = { index: 0, count: 1 } } = options;
  const random = new Random(seed, epoch, ORDER_STREAM);
  const order = Int32Array.from({ length: numSamples }, (_, i) => i);
  if (shuffle) random.shuffle(order);
  // One chunk contains a batch of every shard.
  const chunks = groupsOf(order, options.groups).flatMap((members) =>
    chunk(members, batchSize * shard.count, lastBatch),
  );
  if (shuffle && options.groups !== undefined) random.shuffle(chunks);
  return chunks
    .map((members) => members.filter((_, i) => i % shard.count === shard.index))
    .filter((members) => members.length > 0);
}

/**
 * Iterates over all batches from `position`, epoch after epoch; ends after epoch `numEpochs − 1`, or never.
 *
 * @throws ConfigError if an epoch has no batch, or `position` is beyond the end of its epoch
 */
export function* batchesFrom(
  numSamples: number,
  options: SamplerOptions,
  position: SamplerPosition,
  numEpochs = Infinity,
): Generator<PlannedBatch, void> {
  let start = position.batch;
  for (let epoch = position.epoch; epoch < numEpochs; epoch++) {
    const batches = epochBatches(numSamples, options, epoch);
    if (batches.length === 0)
      throw new ConfigError(
        `loader: expected at least one batch of ${options.batchSize}, got ${numSamples} samples`,
      );
    if (start > batches.length)
      throw new ConfigError(
        `loader: expected to go on within ${batches.length} batches of an epoch, got batch ${start}; ` +
          'was the run started with other data or another batch size?',
      );
    for (let batch = start; batch < batches.length; batch++) {
      const isLast = batch === batches.length - 1;
      const next = isLast ? { epoch: epoch + 1, batch: 0 } : { epoch, batch: batch + 1 };
      yield { epoch, batch, indices: batches[batch], next };
    }
    start = 0;
  }
}

function groupsOf(order: Int32Array, groups?: ArrayLike<number>): Int32Array[] {
  if (groups === undefined) return [order];
  const numbers = [...new Set(Array.from(groups))].sort((a, b) => a - b);
  return numbers.map((number) => order.filter((i) => groups[i] === number));
}

function chunk(
  members: Int32Array,
  size: number,
  lastBatch: SamplerOptions['lastBatch'],
): Int32Array[] {
  const chunks: Int32Array[] = [];
  for (let start = 0; start < members.length; start += size)
    chunks.push(members.subarray(start, start + size));
  const last = chunks.at(-1);
  if (last === undefined || last.length === size) return chunks;
  switch (lastBatch) {
    case 'keep':
      return chunks;
    case 'drop':
      return chunks.slice(0, -1);
    case 'fill': {
      const start = members.length - last.length;
      const filled = Int32Array.from(
        { length: size },
        (_, i) => members[(start + i) % members.length],
      );
      return [...chunks.slice(0, -1), filled];
    }
    default:
      return lastBatch satisfies never;
  }
}

function assertSampler(numSamples: number, options: SamplerOptions): void {
  const { batchSize, groups, shard = { index: 0, count: 1 } } = options;
  const isCount = (n: number): boolean => Number.isInteger(n) && n > 0;
  if (!isCount(batchSize))
    throw new ConfigError(`loader: expected a whole batchSize > 0, got ${batchSize}`);
  if (!isCount(shard.count) || !(shard.index >= 0 && shard.index < shard.count))
    throw new ConfigError(
      `loader: expected a shard index below its count, got ${shard.index} of ${shard.count}`,
    );
  if (groups !== undefined && groups.length !== numSamples)
    throw new ConfigError(
      `loader: expected a group for each of ${numSamples} samples, got ${groups.length}`,
    );
}
