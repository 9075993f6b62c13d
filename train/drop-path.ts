import { Random } from '../core/random.js';
import { globalIndex, WHOLE } from './distributed/shard.js';
import type { StepPosition } from './trainer.js';

/** Separates the random streams of a step. */
const DROP_PATH_STREAM = 0x64726f70;

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
