import { assertList, assertObject } from '../core/arguments.js';
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
 *
 * @example
 *   ```ts
 *   const { products } = countMacs(VARIANTS.tiny, [224, 224], 1000);
 *   console.log((products / 1e9).toFixed(3)); // 4.456
 *   ```
 */
export function countMacs(
  config: ConvNeXtV2Config,
  size: readonly [number, number],
  classes = 0,
): Macs {
  assertObject('countMacs', 'a configuration as VARIANTS has them', config);
  assertList('countMacs', 'depths as a list', config.depths);
  assertList('countMacs', 'dims as a list', config.dims);
  assertList('countMacs', 'a size [height, width]', size);
  const { depths, dims, stem } = config;
  const [height, width] = size;
  let [h, w] = [Math.floor(height / 4), Math.floor(width / 4)];
  const stages = depths.map((depth, s) => {
    if (s > 0) [h, w] = [Math.floor(h / 2), Math.floor(w / 2)];
    const dim = dims[s];
    const downsample = s > 0 ? 4 * dims[s - 1] * dim : stemMacs(dim, stem);
    const block = 49 * dim + 8 * dim * dim;
    return h * w * (downsample + depth * block);
  });
  return { products: stages.reduce((a, b) => a + b, 0) + dims[3] * classes, stages };
}

/** Multiply-adds of the stem for a position of its output; the first of two convolutions has four times as many. */
function stemMacs(dim: number, stem: ConvNeXtV2Config['stem']): number {
  return stem ? 4 * 27 * stem.channels + 9 * stem.channels * dim : 48 * dim;
}
