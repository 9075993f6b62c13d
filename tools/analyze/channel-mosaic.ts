import type { RgbImage } from '../../core/image.js';
import type { BlockActivation } from '../../train/pretrain/collapse.js';

/** Number of channels of a mosaic per side and in total. */
const SIDE = 8;
const GAP_PX = 2;
/** Small maps are upscaled to about this size. */
const CELL_PX = 56;
/** Quantile of the values that is shown brightest, because single peaks would darken the rest. */
const BRIGHTEST = 0.995;
/** Color map from low to high: dark violet, blue, green, yellow. */
const COLORS = [
  [20, 8, 40],
  [60, 50, 140],
  [30, 145, 140],
  [110, 205, 90],
  [253, 231, 37],
] as const;

/**
 * Draws a mosaic of the channels of an activation, as in the paper's figure 3: 64 evenly spaced channels on one scale
 * from 0, so that dead channels are dark and saturated ones bright. Negative values are dark.
 *
 * @returns 8 × 8 maps with gaps between them; fewer if there are fewer channels
 */
export function channelMosaic({ shape, data }: Pick<BlockActivation, 'shape' | 'data'>): RgbImage {
  const [height, width, channels] = shape;
  const count = Math.min(channels, SIDE * SIDE);
  const scale = Math.max(1, Math.floor(CELL_PX / Math.max(height, width)));
  const columns = Math.min(count, SIDE);
  const rows = Math.ceil(count / columns);
  const size = (cells: number, side: number): number => cells * (side * scale + GAP_PX) - GAP_PX;
  const picture = { width: size(columns, width), height: size(rows, height) };
  const out = new Uint8Array(picture.width * picture.height * 3).fill(255);
  const brightest = brightestOf(data, BRIGHTEST);
  for (let i = 0; i < count; i++) {
    const channel = Math.floor((i * channels) / count);
    const left = (i % columns) * (width * scale + GAP_PX);
    const top = Math.floor(i / columns) * (height * scale + GAP_PX);
    for (let y = 0; y < height * scale; y++) {
      for (let x = 0; x < width * scale; x++) {
        const site = Math.floor(y / scale) * width + Math.floor(x / scale);
        const value = data[site * channels + channel];
        out.set(
          color(brightest > 0 ? value / brightest : 0),
          ((top + y) * picture.width + left + x) * 3,
        );
      }
    }
  }
  return { ...picture, data: out };
}

function color(level: number): readonly [number, number, number] {
  const at = Math.max(0, Math.min(1, level)) * (COLORS.length - 1);
  const low = Math.min(Math.floor(at), COLORS.length - 2);
  const part = at - low;
  const mix = (c: 0 | 1 | 2): number =>
    Math.round(COLORS[low][c] * (1 - part) + COLORS[low + 1][c] * part);
  return [mix(0), mix(1), mix(2)];
}

function brightestOf(values: Float32Array, fraction: number): number {
  const sorted = values.slice().sort();
  const at = sorted[Math.floor((sorted.length - 1) * fraction)];
  return at > 0 ? at : sorted[sorted.length - 1]; // the maximum if few values are active
}
