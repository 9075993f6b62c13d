import sharp from 'sharp';
import { DataError } from '../../core/errors.js';
import { decodeRle, type Rle } from '../../core/rle.js';
import { decodeImage } from '../../io/image/decode.js';
import { encodeRgbaPng } from '../../io/png/write.js';
import { errorAsValue } from '../../datasets/problems.js';
import type { LabelMap } from '../../core/image.js';

/** A small JPEG of an image as data URI, or why there is none. */
export async function thumbnailOf(
  file: string,
  maxSide: number,
): Promise<{ readonly thumbnail: string } | { readonly failure: string }> {
  const image = await errorAsValue(decodeImage(file));
  if (image instanceof DataError) return { failure: image.message };
  const { width, height, data } = image;
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(maxSide, maxSide, { fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 76, mozjpeg: true })
    .toBuffer();
  return { thumbnail: `data:image/jpeg;base64,${jpeg.toString('base64')}` };
}

/** A run-length mask as a transparent picture of one colour. @param colour `#rrggbb` */
export function maskPicture(rle: Rle, colour: string, maxSide: number): string {
  const mask = decodeRle(rle);
  const [red, green, blue] = rgbOf(colour);
  return picture(rle.width, rle.height, maxSide, (pixel, out, at) => {
    if (mask[pixel] === 0) return;
    out.set([red, green, blue, 255], at);
  });
}

/** Labels as a picture: each class in its colour, ignored pixels transparent. */
export function labelPicture(label: LabelMap, colours: readonly string[], maxSide: number): string {
  const palette = colours.map(rgbOf);
  return picture(label.width, label.height, maxSide, (pixel, out, at) => {
    const colour = palette[label.data[pixel]] as readonly number[] | undefined;
    if (colour) out.set([...colour, 255], at);
  });
}

/** Draws every n-th pixel, so that the longer side has at most `maxSide`. */
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

/** Colours that are easy to tell apart: hues by the golden angle, in three lightnesses. */
export function classColours(count: number): readonly string[] {
  return Array.from({ length: count }, (_, k) =>
    hexOf((k * 137.508) % 360, 0.85, [0.55, 0.66, 0.45][k % 3]),
  );
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

function rgbOf(colour: string): readonly number[] {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}
