import { ConfigError } from '../../core/errors.js';
import type { FlatBuffers } from './flat-buffers.js';

/**
 * Computes the L2 norm of the whole gradient array, summed in float64; entries that are not trained must be 0. The result
 * is not finite if any gradient is not; callers check it before the update.
 */
export function gradientNorm({ gradients, kernels }: FlatBuffers): number {
  return Math.sqrt(kernels.sumSquares(gradients));
}

/**
 * Factor that clips gradients of norm `norm` to `maxNorm`: `min(1, maxNorm / (norm + 1e-6))`. Pass it to the optimizer as
 * `gradientScale`, which saves a pass over the gradients.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
 */
export function clipScale({
  norm,
  maxNorm,
}: {
  readonly norm: number;
  readonly maxNorm: number;
}): number {
  return Math.min(1, maxNorm / (norm + 1e-6));
}

/**
 * Adds the gradients of micro-batch `index` of `count`, divided by `count`: after the last one, `gradients` is the
 * average. The first one overwrites the previous content.
 *
 * @throws ConfigError if the buffers were made without `microGradients`
 */
export function accumulateGradients(
  { gradients, microGradients, kernels }: FlatBuffers,
  { index, count }: { readonly index: number; readonly count: number },
): void {
  if (!microGradients) {
    throw new ConfigError('accumulateGradients: expected buffers with microGradients, got none');
  }
  if (index === 0) gradients.fill(0); // not `keep: 0`, which would preserve a NaN
  kernels.accumulate(gradients, microGradients, { keep: 1, scale: 1 / count });
}
