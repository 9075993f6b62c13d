import type { Communicator } from './communicator.js';

/** Shard of a batch: sample `i` of the whole batch belongs to process `i mod count`, as in the loader's sampler. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** The whole batch. */
export const WHOLE: Shard = { index: 0, count: 1 };

/** Shard of a rank. */
export const shardOf = ({ rank, size }: Communicator): Shard => ({ index: rank, count: size });

/** Index in the whole batch of sample `local` of a shard. */
export const globalIndex = (local: number, { index, count }: Shard): number =>
  local * count + index;

/**
 * Selects the rows of a shard. Random numbers of a step are drawn for the whole batch, so that every sample gets the same
 * ones on any number of processes.
 *
 * @param whole `[N · count, width]`
 * @returns `[N, width]`; `whole` itself if there is only one shard
 */
export function ownRows(whole: Float32Array, width: number, shard: Shard): Float32Array {
  if (shard.count === 1) return whole;
  const rows = whole.length / width / shard.count;
  const own = new Float32Array(rows * width);
  for (let n = 0; n < rows; n++) {
    const from = globalIndex(n, shard) * width;
    own.set(whole.subarray(from, from + width), n * width);
  }
  return own;
}

/** Number of images of a batch of this shard: the requested number, or that of the data. */
export function ownBatchSize(batchSize: number, numSamples: number, { count }: Shard): number {
  return Math.min(batchSize, Math.max(1, Math.floor(numSamples / count)));
}
