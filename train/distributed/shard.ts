import type { Communicator } from './communicator.js';

/**
 * This process's part of a batch that several share: sample `i` of the whole belongs to process `i mod count`, as in the
 * loader's sampler.
 */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** All of it. */
export const WHOLE: Shard = { index: 0, count: 1 };

/** The part of a rank. */
export const shardOf = ({ rank, size }: Communicator): Shard => ({ index: rank, count: size });

/** Where sample `local` of a part stands in the whole batch. */
export const globalIndex = (local: number, { index, count }: Shard): number =>
  local * count + index;

/**
 * The rows of this part. Random numbers of a step are drawn for the whole batch and then cut, so that every sample gets the
 * same ones on any number of processes.
 *
 * @param whole `[N · count, width]`
 * @returns `[N, width]`: `whole` itself where there is one part
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

/** Images of a batch of this part: what was asked for, or what the data give. */
export function ownBatchSize(batchSize: number, numSamples: number, { count }: Shard): number {
  return Math.min(batchSize, Math.max(1, Math.floor(numSamples / count)));
}
