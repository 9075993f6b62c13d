import type { Boxes, Size } from './boxes.js';
import { ConfigError } from './errors.js';

/** Anchors of a pyramid: one side per level (`scale · stride`), one box per ratio in every cell. */
export interface AnchorConfig {
  /** Stride of every level in pixels, finest first. */
  readonly strides: readonly number[];
  /** Side of the square anchor in units of the stride. */
  readonly scale: number;
  /** Height / width. */
  readonly ratios: readonly number[];
}

/** The anchors of Mask R-CNN on P2 to P6. */
export const PYRAMID_ANCHORS = {
  strides: [4, 8, 16, 32, 64],
  scale: 8,
  ratios: [0.5, 1, 2],
} as const satisfies AnchorConfig;

const f32 = Math.fround;

/**
 * Size of every level's map for an input of the given (padded) size: `⌈size / stride⌉`.
 *
 * @throws ConfigError unless the strides are positive
 */
export function levelSizes({ width, height }: Size, strides: readonly number[]): readonly Size[] {
  return strides.map((stride) => {
    if (!(stride > 0))
      throw new ConfigError(`levelSizes: expected strides > 0, got ${String(stride)}`);
    return { width: Math.ceil(width / stride), height: Math.ceil(height / stride) };
  });
}

/**
 * The anchors of the cell at the origin, centred on (0, 0): width `stride · scale / √ratio`, height `stride · scale · √ratio`,
 * computed in float32 in the order of the original.
 *
 * @returns `[A, 4]`, one per ratio
 */
export function baseAnchors(stride: number, { scale, ratios }: AnchorConfig): Boxes {
  const out = new Float32Array(ratios.length * 4);
  ratios.forEach((ratio, a) => {
    const heightRatio = f32(Math.sqrt(f32(ratio)));
    const halfWidth = f32(0.5 * f32(f32(stride * f32(1 / heightRatio)) * scale));
    const halfHeight = f32(0.5 * f32(f32(stride * heightRatio) * scale));
    out.set([-halfWidth, -halfHeight, halfWidth, halfHeight], 4 * a);
  });
  return out;
}

/**
 * All anchors of a pyramid. Cell (x, y) of a level has its anchors centred on `(x · stride, y · stride)`, without a
 * half-cell offset; they are neither rounded nor clipped. Order: levels, rows, columns, ratios.
 *
 * @param sizes size of every level's map, as {@link levelSizes} gives it
 * @returns `[Σ H·W·A, 4]`, levels one after the other; {@link levelOffsets} says where
 * @throws ConfigError unless there is one size per stride
 */
export function pyramidAnchors(sizes: readonly Size[], config: AnchorConfig): Boxes {
  const offsets = levelOffsets(sizes, config);
  const out = new Float32Array(4 * offsets[sizes.length]);
  let at = 0;
  sizes.forEach(({ width, height }, level) => {
    const stride = config.strides[level];
    const base = baseAnchors(stride, config);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let b = 0; b < base.length; b += 4, at += 4) {
          out[at] = x * stride + base[b];
          out[at + 1] = y * stride + base[b + 1];
          out[at + 2] = x * stride + base[b + 2];
          out[at + 3] = y * stride + base[b + 3];
        }
      }
    }
  });
  return out;
}

/**
 * Index of the first anchor of every level, and the number of all anchors as last entry.
 *
 * @returns `int32 [levels + 1]`
 * @throws ConfigError unless there is one size per stride
 */
export function levelOffsets(sizes: readonly Size[], config: AnchorConfig): Int32Array {
  if (sizes.length !== config.strides.length)
    throw new ConfigError(
      `levelOffsets: expected ${config.strides.length} level sizes (one per stride), got ${sizes.length}`,
    );
  const offsets = new Int32Array(sizes.length + 1);
  sizes.forEach(({ width, height }, level) => {
    offsets[level + 1] = offsets[level] + width * height * config.ratios.length;
  });
  return offsets;
}

/** Which anchors take part in assignment. */
export interface UsableAnchorOptions {
  /** The image's own padded size (to a multiple of 32, not the batch's): cells beyond it are out. */
  readonly padded: Size;
  /** The image without padding. */
  readonly image: Size;
  /** −1 keeps all anchors of those cells; b ≥ 0 those that reach at most b pixels over the image's border. */
  readonly allowedBorderPx: number;
}

/**
 * Marks the anchors that targets are assigned to. Proposals come from all anchors of the batch-padded maps regardless.
 *
 * @param anchors `[Σ H·W·A, 4]` of {@link pyramidAnchors}
 * @param sizes level sizes of the batch
 * @returns `uint8 [Σ H·W·A]`, 1 where used
 * @throws ConfigError unless there is one size per stride
 */
export function usableAnchors(
  anchors: Boxes,
  sizes: readonly Size[],
  config: AnchorConfig,
  { padded, image, allowedBorderPx }: UsableAnchorOptions,
): Uint8Array {
  const offsets = levelOffsets(sizes, config);
  const A = config.ratios.length;
  const usable = new Uint8Array(offsets[sizes.length]);
  sizes.forEach(({ width, height }, level) => {
    const stride = config.strides[level];
    const numColumns = Math.min(width, Math.ceil(padded.width / stride));
    const numRows = Math.min(height, Math.ceil(padded.height / stride));
    for (let y = 0; y < numRows; y++) {
      const row = offsets[level] + y * width * A;
      usable.fill(1, row, row + numColumns * A);
    }
  });
  if (allowedBorderPx < 0) return usable;
  const [right, bottom] = [image.width + allowedBorderPx, image.height + allowedBorderPx];
  for (let i = 0, b = 0; i < usable.length; i++, b += 4) {
    const inside =
      anchors[b] >= -allowedBorderPx &&
      anchors[b + 1] >= -allowedBorderPx &&
      anchors[b + 2] < right &&
      anchors[b + 3] < bottom;
    if (!inside) usable[i] = 0;
  }
  return usable;
}
