import { Random } from '../core/random.js';

/** Keeps the streams of random numbers of a step apart. */
const DROP_PATH_STREAM = 0x64726f70;

/**
 * Draws which samples skip which blocks.
 *
 * @param rates of every block
 * @returns `[blocks, N]`: 0, or `1 / (1 − rate)`
 */
export function drawDropPath(
  rates: readonly number[],
  batch: number,
  { seed, step, micro }: { readonly seed: number; readonly step: number; readonly micro: number },
): Float32Array {
  const random = new Random(seed, DROP_PATH_STREAM, step, micro);
  const masks = new Float32Array(rates.length * batch);
  rates.forEach((rate, block) => {
    for (let n = 0; n < batch; n++) {
      masks[block * batch + n] = random.uniform() < 1 - rate ? 1 / (1 - rate) : 0;
    }
  });
  return masks;
}
