import { Random } from '../core/random.js';
import { linearRates } from '../core/rates.js';
import type { HostTensor } from '../engine/runtime/program.js';
import { globalIndex, WHOLE } from './distributed/shard.js';
import type { StepPosition } from './trainer.js';

/** Separates the random streams of a step. */
const DROP_PATH_STREAM = 0x64726f70;

/**
 * Draws the input `dropPath` of a training program; none if the rate is 0.
 *
 * @param maxRate rate of the last block
 */
export function dropPathInput(
  maxRate: number,
  numBlocks: number,
  batch: number,
  position: StepPosition & { readonly seed: number },
): Readonly<Record<string, HostTensor>> {
  if (maxRate === 0) return {};
  const data = drawDropPath(linearRates(maxRate, numBlocks), batch, position);
  return { dropPath: { shape: [numBlocks, batch], data } };
}

/**
 * Draws the drop path mask of a batch.
 *
 * @param rates rate of every block
 * @param batch shard of this process
 * @returns `[blocks, N]`: 0, or `1 / (1 − rate)`
 */
export function drawDropPath(
  rates: readonly number[],
  batch: number,
  { seed, step, micro, shard = WHOLE }: StepPosition & { readonly seed: number },
): Float32Array {
  const random = new Random(seed, DROP_PATH_STREAM, step, micro);
  const masks = new Float32Array(rates.length * batch);
  rates.forEach((rate, block) => {
    const draws = Float64Array.from({ length: batch * shard.count }, () => random.uniform());
    for (let n = 0; n < batch; n++) {
      const isKept = draws[globalIndex(n, shard)] < 1 - rate;
      masks[block * batch + n] = isKept ? 1 / (1 - rate) : 0;
    }
  });
  return masks;
}
