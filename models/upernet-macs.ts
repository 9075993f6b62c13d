import { sum } from '../core/statistics.js';
import { countMacs } from '../backbone/macs.js';
import type { ConvNeXtV2Config } from '../backbone/variants.js';
import type { UperNetConfig } from './upernet.js';

/**
 * Counts the multiply-adds of a UPerNet's convolutions and linear layers for one image. Every convolution is counted as a
 * direct one: maps are upsampled before the fusion convolution, and Winograd's savings are not subtracted. Norms,
 * activations and resizing are not counted.
 *
 * @param size `[height, width]` of the image, pixels
 * @param auxiliary whether the auxiliary head runs, as in training
 */
export function upernetMacs(
  backbone: ConvNeXtV2Config,
  { channels: C, numClasses: K, poolScales, auxiliary: { channels: A } }: UperNetConfig,
  size: readonly [number, number],
  auxiliary = false,
): number {
  const { dims } = backbone;
  const cells = [4, 8, 16, 32].map((s) => Math.floor(size[0] / s) * Math.floor(size[1] / s));
  const bins = sum(poolScales.map((bin) => bin * bin));
  const pooling = bins * dims[3] * C;
  const bottleneck = cells[3] * 9 * (dims[3] + poolScales.length * C) * C;
  const pyramid = sum(cells.slice(0, 3).map((n, i) => n * (dims[i] * C + 9 * C * C)));
  const fusion = cells[0] * (9 * 4 * C * C + C * K);
  const aside = auxiliary ? cells[2] * (9 * dims[2] * A + A * K) : 0;
  return countMacs(backbone, size).products + pooling + bottleneck + pyramid + fusion + aside;
}
