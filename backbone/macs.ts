import type { ConvNeXtV2Config } from './variants.js';

/** Multiply-adds for one image, which the literature calls FLOPs. */
interface Macs {
  /** Multiply-adds of all convolutions and linear layers. */
  readonly products: number;
  /** Multiply-adds of every stage with its downsampling layer. */
  readonly stages: readonly number[];
}

/**
 * Counts the multiply-adds of the backbone's convolutions and linear layers for one image, plus those of a classifier if
 * `classes` is given. Norms and activations are not counted (the published figures include them: 0.55 instead of 0.547 G
 * for Atto).
 *
 * @param size `[height, width]` in pixels
 */
export function countMacs(
  { depths, dims }: ConvNeXtV2Config,
  [height, width]: readonly [number, number],
  classes = 0,
): Macs {
  let [h, w] = [Math.floor(height / 4), Math.floor(width / 4)];
  const stages = depths.map((depth, s) => {
    if (s > 0) [h, w] = [Math.floor(h / 2), Math.floor(w / 2)];
    const dim = dims[s];
    const downsample = s === 0 ? 48 * dim : 4 * dims[s - 1] * dim;
    const block = 49 * dim + 8 * dim * dim;
    return h * w * (downsample + depth * block);
  });
  return { products: stages.reduce((a, b) => a + b, 0) + dims[3] * classes, stages };
}
