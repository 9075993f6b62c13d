import type { Size } from '../../core/boxes.js';
import type { RgbImage } from '../../core/image.js';
import { transformImage } from '../../datasets/transforms/geometry-image.js';
import { keepRatioSize } from '../../datasets/transforms/keep-ratio.js';
import { normalizationTable, normalizeInto } from '../../datasets/transforms/normalize.js';
import type { SegmenterCard } from '../card.js';

/** Model input of an image at one scale. */
export interface SegmenterInput extends Size {
  /** `[H, W, 3]`, normalized. */
  readonly data: Float32Array;
}

/**
 * Converts an image to model inputs at several scales, with the aspect ratio kept, and normalized.
 *
 * @param ratios factors of the limits, which are truncated to whole pixels
 * @see mmseg 0.x, pipelines Resize (keep_ratio) and Normalize
 */
export function segmenterInputs(
  image: RgbImage,
  { limits, ratios, pixels }: Pick<SegmenterCard, 'limits' | 'ratios' | 'pixels'>,
): readonly SegmenterInput[] {
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
