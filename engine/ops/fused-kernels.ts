import * as tf from '../tfjs.js';

/**
 * Names of custom kernels that a backend may register if it computes them in one pass. Without them the op is composed of
 * ordinary kernels.
 */
export const FUSED_KERNEL = {
  gelu: 'ConvNeXtV2Gelu',
  standardize: 'ConvNeXtV2Standardize',
  standardizeGradient: 'ConvNeXtV2StandardizeGradient',
  inBlocks: 'ConvNeXtV2InBlocks',
  geluSlope: 'ConvNeXtV2GeluSlope',
  pointwise: 'ConvNeXtV2Pointwise',
  pointwiseWeightGradient: 'ConvNeXtV2PointwiseWeightGradient',
  channelDot: 'ConvNeXtV2ChannelDot',
  channelAffine: 'ConvNeXtV2ChannelAffine',
} as const;

/** Whether the current backend has the fused kernel. */
export function hasFusedKernel(name: keyof typeof FUSED_KERNEL): boolean {
  return tf.getKernel(FUSED_KERNEL[name], tf.getBackend()) !== undefined;
}

/** Runs a fused kernel. Inputs that are not given are left out. */
export function runFusedKernel<T extends tf.Tensor | tf.Tensor[]>(
  name: keyof typeof FUSED_KERNEL,
  inputs: Readonly<Record<string, tf.Tensor | undefined>>,
  attributes: Readonly<Record<string, boolean | number>> = {},
): T {
  const given = Object.entries(inputs).filter(([, input]) => input !== undefined);
  return tf
    .engine()
    .runKernel<T>(
      FUSED_KERNEL[name],
      Object.fromEntries(given) as tf.NamedTensorMap,
      attributes as tf.NamedAttrMap,
    );
}
