import type { Random } from '../../core/random.js';
import type { RgbImage } from '../../core/image.js';
import * as t from '../../core/schema.js';
import { hsvToRgb, rgbToHsv } from './hsv.js';

/** Ranges of {@link photometricDistortion}. */
export const PhotometricOptions = t.record({
  /** Largest change of brightness in levels. */
  brightness: t.NON_NEGATIVE,
  contrast: t.list(t.NON_NEGATIVE, 2),
  saturation: t.list(t.NON_NEGATIVE, 2),
  /** Largest change of hue in half degrees; upward `hue − 1`. */
  hue: t.NON_NEGATIVE,
});
export type PhotometricOptions = t.Infer<typeof PhotometricOptions>;

/** Defaults of mmsegmentation. */
export const PHOTOMETRIC: PhotometricOptions = {
  brightness: 32,
  contrast: [0.5, 1.5],
  saturation: [0.5, 1.5],
  hue: 18,
};

/**
 * Changes brightness, contrast, saturation and hue, each with probability ½, clipped and truncated to 8 bits after each.
 * Contrast comes before saturation or after hue, with probability ½. In place.
 *
 * @param image `[H, W, 3]`
 * @see mmsegmentation 0.x, datasets/pipelines/transforms.py, PhotoMetricDistortion
 */
export function photometricDistortion(
  { data }: RgbImage,
  options: PhotometricOptions,
  random: Random,
): void {
  const { brightness, contrast, saturation, hue } = options;
  if (random.chance(0.5)) {
    const shift = random.between(-brightness, brightness);
    applyTable(data, linear(1, shift), 0, 1);
  }
  const isContrastFirst = random.chance(0.5);
  const tryContrast = (): void => {
    if (random.chance(0.5)) applyTable(data, linear(random.between(...contrast), 0), 0, 1);
  };
  if (isContrastFirst) tryContrast();
  if (random.chance(0.5)) {
    rgbToHsv(data, data);
    applyTable(data, linear(random.between(...saturation), 0), 1, 3);
    hsvToRgb(data, data);
  }
  if (random.chance(0.5)) {
    rgbToHsv(data, data);
    const shift = random.integer(2 * hue) - hue;
    applyTable(
      data,
      Uint8Array.from({ length: 256 }, (_, v) => (v + shift + 180) % 180),
      0,
      3,
    );
    hsvToRgb(data, data);
  }
  if (!isContrastFirst) tryContrast();
}

/** Computes `alpha · v + beta` in float32, clipped and truncated. */
function linear(alpha: number, beta: number): Uint8Array {
  const [a, b] = [Math.fround(alpha), Math.fround(beta)];
  return Uint8Array.from({ length: 256 }, (_, v) =>
    Math.trunc(Math.min(Math.max(Math.fround(Math.fround(v * a) + b), 0), 255)),
  );
}

function applyTable(data: Uint8Array, table: Uint8Array, from: number, step: number): void {
  for (let i = from; i < data.length; i += step) data[i] = table[data[i]];
}
