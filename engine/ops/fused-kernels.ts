import * as tf from '@tensorflow/tfjs';

/**
 * Kernels of our own that a backend may register because it computes them in one pass. Where the
 * current backend has none, the op is composed of ordinary kernels.
 */
export const FUSED_KERNEL = {
  gelu: 'ConvNeXtV2Gelu',
  standardize: 'ConvNeXtV2Standardize',
} as const;

/** Whether the current backend registers the fused kernel. */
export function hasFusedKernel(name: keyof typeof FUSED_KERNEL): boolean {
  return tf.getKernel(FUSED_KERNEL[name], tf.getBackend()) !== undefined;
}
