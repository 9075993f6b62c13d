import type { RgbImage } from '../../core/image.js';
import { toByte } from './pil-affine.js';

/**
 * Pillow's `ImageOps` and `ImageEnhance`, bit for bit. All write `[H, W, 3]` to `out`; all except {@link sharpness} can
 * work in place (`out === image.data`).
 *
 * @see Pillow 9.4, src/PIL/ImageOps.py, ImageEnhance.py, src/libImaging/Blend.c, Filter.c
 */
type Operation<Level extends readonly unknown[]> = (
  image: RgbImage,
  out: Uint8Array,
  ...level: Level
) => void;

/** Stretches every channel so that its darkest and brightest values become 0 and 255. */
export const autoContrast: Operation<[]> = (image, out) =>
  applyTables(image, out, (histogram) => {
    const low = histogram.findIndex((n) => n > 0);
    const high = histogram.findLastIndex((n) => n > 0);
    if (high <= low) return identity;
    const scale = 255 / (high - low);
    const offset = -low * scale;
    return (v) => Math.min(Math.max(Math.trunc(v * scale + offset), 0), 255);
  });

/** Equalizes the histogram of every channel. */
export const equalize: Operation<[]> = (image, out) =>
  applyTables(image, out, (histogram) => {
    const numPixels = histogram.reduce((sum, n) => sum + n, 0);
    const last = histogram[histogram.findLastIndex((n) => n > 0)] ?? 0;
    const step = Math.floor((numPixels - last) / 255);
    if (step === 0) return identity;
    let sum = step >> 1;
    const table = Array.from(histogram, (n) => {
      const value = Math.floor(sum / step);
      sum += n;
      return Math.min(value, 255);
    });
    return (v) => table[v];
  });

/** `255 − v`. */
export const invert: Operation<[]> = (image, out) => applyTable(image, out, (v) => 255 - v);

/** Keeps the upper `bits` bits, 0 to 8. */
export const posterize: Operation<[bits: number]> = (image, out, bits) =>
  applyTable(image, out, (v) => v & ~((1 << (8 - bits)) - 1));

/** Solarize: inverts values not below `threshold`. */
export const solarize: Operation<[threshold: number]> = (image, out, threshold) =>
  applyTable(image, out, (v) => (v < threshold ? v : 255 - v));

/** Adds `amount` to values below 128. */
export const solarizeAdd: Operation<[amount: number]> = (image, out, amount) =>
  applyTable(image, out, (v) => (v < 128 ? Math.min(v + amount, 255) : v));

/** Adjusts brightness: 0 gives black, 1 the image. */
export const brightness: Operation<[factor: number]> = (image, out, factor) =>
  applyTable(image, out, blendWith(0, factor));

/** Adjusts contrast: 0 gives the mean gray, 1 the image. */
export const contrast: Operation<[factor: number]> = (image, out, factor) => {
  const { data } = image;
  let sum = 0;
  for (let i = 0; i < data.length; i += 3) sum += luma(data[i], data[i + 1], data[i + 2]);
  const mean = Math.trunc(sum / (data.length / 3) + 0.5);
  applyTable(image, out, blendWith(mean, factor));
};

/** Adjusts saturation: 0 gives gray, 1 the image. */
export const color: Operation<[factor: number]> = ({ data }, out, factor) => {
  const scaled = scaledDifferences(factor);
  for (let i = 0; i < data.length; i += 3) {
    const gray = luma(data[i], data[i + 1], data[i + 2]);
    const offset = 255 - gray;
    out[i] = toByte(Math.fround(gray + scaled[data[i] + offset]));
    out[i + 1] = toByte(Math.fround(gray + scaled[data[i + 1] + offset]));
    out[i + 2] = toByte(Math.fround(gray + scaled[data[i + 2] + offset]));
  }
};

/** Table from sums of a smoothing window, at most 13 times 255, to the rounded mean. */
const SMOOTHED = Uint8Array.from({ length: 255 * 13 + 1 }, (_, sum) =>
  Math.floor((2 * sum + 13) / 26),
);

/**
 * Adjusts sharpness: 0 gives the smoothed image (3×3, center weight five), 1 the image; the border does not change. Not
 * in place.
 */
export const sharpness: Operation<[factor: number]> = ({ width, height, data }, out, factor) => {
  const scaled = scaledDifferences(factor);
  const stride = width * 3;
  out.set(data);
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * stride + 3, end = (y + 1) * stride - 3; i < end; i++) {
      const [up, down] = [i - stride, i + stride];
      const ring =
        data[up - 3] + data[up] + data[up + 3] + data[i - 3] + data[i + 3] +
        data[down - 3] + data[down] + data[down + 3]; // prettier-ignore
      const smooth = SMOOTHED[ring + 5 * data[i]];
      out[i] = toByte(Math.fround(smooth + scaled[data[i] - smooth + 255]));
    }
  }
};

const identity = (v: number): number => v;

/** Pillow's `convert('L')`: ITU-R 601 in 16-bit fixed point. */
function luma(red: number, green: number, blue: number): number {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}

/** Table of `factor · d` for differences −255 … 255 in float32, as in `Image.blend`. */
function scaledDifferences(factor: number): Float32Array {
  const alpha = Math.fround(factor);
  return Float32Array.from({ length: 511 }, (_, i) => alpha * (i - 255));
}

/** `Image.blend` of a constant with the image. */
function blendWith(degenerate: number, factor: number): (v: number) => number {
  const scaled = scaledDifferences(factor);
  return (v) => toByte(Math.fround(degenerate + scaled[v - degenerate + 255]));
}

function applyTable({ data }: RgbImage, out: Uint8Array, of: (v: number) => number): void {
  const table = Uint8Array.from({ length: 256 }, (_, v) => of(v));
  for (let i = 0; i < data.length; i++) out[i] = table[data[i]];
}

/** Applies one table per channel, made from the channel's histogram. */
function applyTables(
  { data }: RgbImage,
  out: Uint8Array,
  tableOf: (histogram: Uint32Array) => (v: number) => number,
): void {
  const histograms = new Uint32Array(768);
  for (let i = 0; i < data.length; i += 3) {
    histograms[data[i]]++;
    histograms[256 + data[i + 1]]++;
    histograms[512 + data[i + 2]]++;
  }
  const tables = new Uint8Array(768);
  for (let c = 0; c < 3; c++) {
    const of = tableOf(histograms.subarray(c * 256, c * 256 + 256));
    for (let v = 0; v < 256; v++) tables[c * 256 + v] = of(v);
  }
  for (let i = 0; i < data.length; i += 3) {
    out[i] = tables[data[i]];
    out[i + 1] = tables[256 + data[i + 1]];
    out[i + 2] = tables[512 + data[i + 2]];
  }
}
