import { Random } from '../../core/random.js';
import { ownRows, WHOLE } from '../distributed/shard.js';
import type { StepPosition } from '../trainer.js';

/** Separates the random streams of a step; each head adds its own number. */
const CHANNEL_STREAM = 0x6368616e;

/**
 * Draws the channel dropout mask before a classifier.
 *
 * @param head 0 for the decode head, 1 for the auxiliary head
 * @returns `[N, C]`: 0, or `1 / (1 − rate)`
 */
export function drawChannelMask(
  rate: number,
  [batch, channels]: readonly [number, number],
  {
    seed,
    step,
    micro,
    head,
    shard = WHOLE,
  }: StepPosition & { readonly seed: number; readonly head: 0 | 1 },
): Float32Array {
  const random = new Random(seed, CHANNEL_STREAM + head, step, micro);
  const whole = Float32Array.from({ length: batch * shard.count * channels }, () =>
    random.uniform() < 1 - rate ? 1 / (1 - rate) : 0,
  );
  return ownRows(whole, channels, shard);
}
