import type { RgbImage } from '../../core/image.js';
import { transformImage } from '../../datasets/transforms/geometry-image.js';
import { keepRatioSize, type ScaleLimits } from '../../datasets/transforms/keep-ratio.js';
import {
  normalizationTable,
  normalizeInto,
  type PixelStats,
} from '../../datasets/transforms/normalize.js';
import type { SegmenterView } from '../../models/segmenter.js';

/**
 * An image at several scales, resized with its aspect ratio kept and normalised.
 *
 * @param ratios factors on the limits, which are truncated to whole pixels
 */
export function segmenterViews(
  image: RgbImage,
  {
    limits,
    ratios,
    pixels,
  }: {
    readonly limits: ScaleLimits;
    readonly ratios: readonly number[];
    readonly pixels: PixelStats;
  },
): readonly SegmenterView[] {
  const table = normalizationTable(pixels);
  return ratios.map((ratio) => {
    const { width, height } = keepRatioSize(image, {
      long: Math.trunc(limits.long * ratio),
      short: Math.trunc(limits.short * ratio),
    });
    const size = { width: Math.max(width, 1), height: Math.max(height, 1) };
    const resized = transformImage(image, [{ kind: 'resize', size }]);
    const data = new Float32Array(size.width * size.height * 3);
    normalizeInto(resized, table, data, { offset: 0 });
    return { ...size, data };
  });
}
