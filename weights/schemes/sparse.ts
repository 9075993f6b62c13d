import { WeightsMismatchError } from '../../core/errors.js';
import { formatShape, numElements } from '../../core/shape.js';
import { permute } from '../permute.js';
import { derivedTensor, reshaped, toFloat32, type LazyTensor } from '../../io/tensor.js';

/**
 * Conversion between sparse and dense convolution kernels. In a sparse kernel the row index varies fastest,
 * `index = ky + kx·K`, so `dense[o, i, ky, kx] = kernel[ky + kx·K, i, o]`: a transpose without a flip.
 *
 * @see `remap_checkpoint_keys`, https://github.com/facebookresearch/ConvNeXt-V2/blob/main/utils.py
 */

/**
 * Converts `[K², in, out]` to `[out, in, K, K]`, or depthwise `[K², C]` to `[C, 1, K, K]`.
 *
 * @throws WeightsError if the first axis is not a square
 */
export function sparseKernelToDense(name: string, kernel: LazyTensor): LazyTensor {
  const [area, ...channels] = kernel.shape;
  const side = Math.round(Math.sqrt(area));
  if (side * side !== area || channels.length < 1 || channels.length > 2) {
    throw new WeightsMismatchError(
      `${name}: expected a sparse kernel [K², in, out] or [K², C], got ${formatShape(kernel.shape)}`,
      { id: name },
    );
  }
  const spatial = [side, side, ...channels]; // [kx, ky, in, out] or [kx, ky, C]
  const axes = channels.length === 2 ? [3, 2, 1, 0] : [2, 1, 0];
  const shape =
    channels.length === 2 ? [channels[1], channels[0], side, side] : [channels[0], 1, side, side];
  return derivedTensor(kernel, shape, (values) => permute(toFloat32(values), spatial, axes));
}

/** Inverse of {@link sparseKernelToDense}; a kernel with one input channel is treated as depthwise. */
export function denseKernelToSparse(name: string, weight: LazyTensor): LazyTensor {
  const [out, perGroup, height, width] = weight.shape;
  if (weight.shape.length !== 4 || height !== width) {
    throw new WeightsMismatchError(
      `${name}: expected a convolution weight [out, in, K, K], got ${formatShape(weight.shape)}`,
      { id: name },
    );
  }
  const depthwise = name.endsWith('dwconv.weight');
  const dense = depthwise ? [out, height, width] : [out, perGroup, height, width];
  const axes = depthwise ? [2, 1, 0] : [3, 2, 1, 0];
  const shape = depthwise ? [height * width, out] : [height * width, perGroup, out];
  return derivedTensor(weight, shape, (values) => permute(toFloat32(values), dense, axes));
}

/** Shape of GRN and of biases of sparse layers in sparse checkpoints: `[1, C]`. */
export function asRow(tensor: LazyTensor): LazyTensor {
  return reshaped(tensor, [1, numElements(tensor.shape)]);
}
