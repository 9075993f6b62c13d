import type { FcmaeConfig } from '../../backbone/fcmae.js';
import { maskFromNoise, patchGrid, type PatchMask } from '../../backbone/masking.js';
import { Random } from '../../core/random.js';
import { ownRows, WHOLE } from '../distributed/shard.js';
import type { StepPosition } from '../trainer.js';

/** Separates the random stream of masks from others of the same seed. */
const TRAINING_STREAM = 0x6d61736b;
const EVALUATION_STREAM = 0x66697865;

type Shape = readonly [numImages: number, height: number, width: number, channels: number];
type MaskConfig = Pick<FcmaeConfig, 'patchSize' | 'maskRatio'>;

/** Draws the masks of a training batch, which depend only on seed and position. */
export function drawMasks(
  [numImages, height, width]: Shape,
  { patchSize, maskRatio }: MaskConfig,
  { seed, step, micro, shard = WHOLE }: StepPosition & { readonly seed: number },
): PatchMask {
  const grid = patchGrid({ height, width }, patchSize);
  const random = new Random(seed, TRAINING_STREAM, step, micro);
  const patches = grid.rows * grid.columns;
  const noise = new Float32Array(numImages * shard.count * patches).map(() => random.normal());
  return maskFromNoise(ownRows(noise, patches, shard), grid, maskRatio);
}

/**
 * Draws the masks of held-out images, which depend only on the image's index, so they are the same in every evaluation
 * and run.
 */
export function fixedMasks(
  [, height, width]: Shape,
  { patchSize, maskRatio }: MaskConfig,
  indices: Int32Array,
): PatchMask {
  const grid = patchGrid({ height, width }, patchSize);
  const noise = Array.from(indices, (index) => {
    const random = new Random(0, EVALUATION_STREAM, index);
    return Array.from({ length: grid.rows * grid.columns }, () => random.normal());
  });
  return maskFromNoise(Float32Array.from(noise.flat()), grid, maskRatio);
}
