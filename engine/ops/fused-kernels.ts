import * as tf from '@tensorflow/tfjs';

/**
 * Names of custom kernels that a backend may register if it computes them in one pass. Without them the op is composed of
 * ordinary kernels.
 */
export const FUSED_KERNEL = {
  gelu: 'ConvNeXtV2Gelu',
  standardize: 'ConvNeXtV2Standardize',
} as const;

/** Whether the current backend has the fused kernel. */
export function hasFusedKernel(name: keyof typeof FUSED_KERNEL): boolean {
  return tf.getKernel(FUSED_KERNEL[name], tf.getBackend()) !== undefined;
}
