/**
 * ONNX Runtime's blocked CPU layout: channels are stored in blocks of `B` (16 with AVX-512, 8 otherwise), so channel counts
 * are rounded up to a multiple of `B`; the padding is zero, or has values that nothing reads (standardized maps). A blocked
 * value is declared as `[N, Cp, H, W]` and stored in the order `[N, Cp / B, H, W, B]`.
 */
export const BLOCKED_DOMAIN = 'com.microsoft.nchwc';

/** Axes of an image or feature map in tfjs's order: `[N, H, W, C]`. */
export type MapShape = readonly [n: number, h: number, w: number, c: number];

/** Rounds `channels` up to a multiple of `block`. */
export const padChannels = (channels: number, block: number): number =>
  Math.ceil(channels / block) * block;

/** Whether the layout conversion accepts this number of channels. */
export const canBlock = (channels: number): boolean => channels % 4 === 0;
