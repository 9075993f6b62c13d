import { DataError } from '../../core/errors.js';
import type { Rle } from '../../core/rle.js';
import { decodeImage, type DecodeOptions } from '../../io/image/decode.js';
import { encodeJpeg } from '../../io/image/encode.js';
import { encodeRgbaPng } from '../../io/png/write.js';
import { inspectImage } from '../../datasets/inspect-image.js';
import { errorAsValue } from '../../datasets/problems.js';
import { withPixels } from '../../io/image/in-flight.js';
import type { LabelMap } from '../../core/image.js';
import type { PageClass } from './page-data.js';

/**
 * Creates a small JPEG of an image as data URI, or the reason why there is none.
 *
 * @param options how the model's input is decoded
 */
export async function thumbnailOf(
  file: string,
  maxSide: number,
  options: Pick<DecodeOptions, 'upright' | 'range'> = {},
): Promise<{ readonly thumbnail: string } | { readonly failure: string }> {
  const header = await errorAsValue(inspectImage(file, { decode: false, range: options.range }));
  if (header instanceof DataError) return { failure: header.message };
  return withPixels(header.width * header.height, async () => {
    const image = await errorAsValue(decodeImage(file, options));
    if (image instanceof DataError) return { failure: image.message };
    const jpeg = await encodeJpeg(image, { quality: 76, mozjpeg: true, maxSide });
    return { thumbnail: `data:image/jpeg;base64,${jpeg.toString('base64')}` };
  });
}

/** Draws a run-length mask as a transparent picture of one color. @param color `#rrggbb` */
export function maskPicture(rle: Rle, color: string, maxSide: number): string {
  const isInside = insideOf(rle);
  const [red, green, blue] = rgbOf(color);
  return picture(rle.width, rle.height, maxSide, (pixel, out, at) => {
    if (!isInside(pixel)) return;
    out.set([red, green, blue, 255], at);
  });
}

/**
 * Whether a pixel, counted by rows, is in a mask. Only the pixels that are drawn are looked up: a mask may be declared for
 * an image of two billion of them.
 */
function insideOf({ width, height, counts }: Rle): (pixel: number) => boolean {
  const ends = new Float64Array(counts.length);
  for (let i = 0, end = 0; i < counts.length; i++) ends[i] = end += counts[i];
  return (pixel) => {
    const position = (pixel % width) * height + Math.floor(pixel / width);
    let [low, high] = [0, counts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle] <= position) low = middle + 1;
      else high = middle;
    }
    return low % 2 === 1 && low < counts.length;
  };
}

/** Draws labels with the color of each class, ignored pixels transparent. */
export function labelPicture(label: LabelMap, colors: readonly string[], maxSide: number): string {
  const palette = colors.map(rgbOf);
  return picture(label.width, label.height, maxSide, (pixel, out, at) => {
    const color = palette[label.data[pixel]] as readonly number[] | undefined;
    if (color) out.set([...color, 255], at);
  });
}

/** Draws every n-th pixel, so that the longer side is at most `maxSide`. */
function picture(
  width: number,
  height: number,
  maxSide: number,
  draw: (pixel: number, out: Uint8Array, at: number) => void,
): string {
  const scale = Math.min(1, maxSide / Math.max(width, height));
  const [w, h] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  const rgba = new Uint8Array(w * h * 4); // [h, w, 4]
  for (let y = 0, at = 0; y < h; y++) {
    const row = Math.floor(((y + 0.5) * height) / h) * width;
    for (let x = 0; x < w; x++, at += 4) draw(row + Math.floor(((x + 0.5) * width) / w), rgba, at);
  }
  return `data:image/png;base64,${Buffer.from(encodeRgbaPng(w, h, rgba)).toString('base64')}`;
}

/** Colors that are easy to distinguish: hues by the golden angle, in three lightnesses. */
export function classColors(count: number): readonly string[] {
  return Array.from({ length: count }, (_, k) =>
    hexOf((k * 137.508) % 360, 0.85, [0.55, 0.66, 0.45][k % 3]),
  );
}

/** Classes in the colors of a palette `[K, 3]` RGB, else in {@link classColors}. */
export function coloredClasses(
  names: readonly string[],
  palette?: Uint8Array,
): readonly PageClass[] {
  const colors = classColors(names.length);
  return names.map((name, k) => ({
    name,
    color: palette
      ? `#${Buffer.from(palette.subarray(3 * k, 3 * k + 3)).toString('hex')}`
      : colors[k],
  }));
}

function hexOf(hue: number, saturation: number, lightness: number): string {
  const chroma = saturation * Math.min(lightness, 1 - lightness);
  const channel = (n: number): string => {
    const k = (n + hue / 30) % 12;
    const value = lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(255 * value)
      .toString(16)
      .padStart(2, '0');
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}

function rgbOf(color: string): readonly number[] {
  return [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
}
