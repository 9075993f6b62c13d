import type { Boxes, Size } from './boxes.js';
import { ConfigError } from './errors.js';
import * as t from './schema.js';

/** Anchors of a feature pyramid: one side length per level (`scale · stride`), one box per aspect ratio in every cell. */
export const AnchorConfig = t.record({
  /** Stride of every level in pixels, finest first. */
  strides: t.list(t.whole(1)),
  /** Side of the square anchor in units of the stride. */
  scale: t.POSITIVE,
  /** Height / width. */
  ratios: t.list(t.POSITIVE),
});
export type AnchorConfig = t.Infer<typeof AnchorConfig>;

/** The anchors of Mask R-CNN on P2 to P6. */
export const PYRAMID_ANCHORS = {
  strides: [4, 8, 16, 32, 64],
  scale: 8,
  ratios: [0.5, 1, 2],
} as const satisfies AnchorConfig;

const f32 = Math.fround;

/**
 * Computes the size of every level's map for an input of the given (padded) size: `⌈size / stride⌉`.
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
 * Computes the anchors of one cell, centered on (0, 0): width `stride · scale / √ratio`, height
 * `stride · scale · √ratio`, in float32 in the order of the original code.
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
 * Computes all anchors of a pyramid. The anchors of cell (x, y) of a level are centered on `(x · stride, y · stride)`,
 * without a half-cell offset; they are neither rounded nor clipped. Order: levels, rows, columns, ratios.
 *
 * @param sizes size of every level's map, as {@link levelSizes} gives it
 * @returns `[Σ H·W·A, 4]`, level after level; {@link levelOffsets} has the first index of each
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
 * Index of the first anchor of every level, followed by the total number of anchors.
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

/** Selection of the anchors that take part in assignment. */
interface UsableAnchorOptions {
  /** Size of this image padded to a multiple of 32 (not the batch's size): cells beyond it are left out. */
  readonly padded: Size;
  /** The image without padding. */
  readonly image: Size;
  /** −1 keeps all anchors of the remaining cells; b ≥ 0 keeps those that reach at most b pixels beyond the image border. */
  readonly allowedBorderPx: number;
}

/**
 * Marks the anchors that can be assigned targets. Proposals still come from all anchors of the batch-padded maps.
 *
 * @param anchors `[Σ H·W·A, 4]` of {@link pyramidAnchors}
 * @param sizes level sizes of the batch
 * @returns `uint8 [Σ H·W·A]`, 1 for the marked anchors
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
