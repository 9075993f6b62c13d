import type * as tf from '@tensorflow/tfjs';
import { sameShape } from '../../../core/shape.js';
import { float, int, type OnnxValue } from '../../onnx/graph.js';
import type { CaptureBackend } from '../backend.js';
import { blockedStandardize } from '../blocked-norm.js';
import { defineKernel, type CaptureKernel, type Tensors } from '../define-kernel.js';
import { FUSED_KERNEL } from '../../ops/fused-kernels.js';
import { reduce } from '../reduce.js';

/**
 * Subtracts the mean over the last axis, in portable graphs only: ONNX Runtime's WebGPU kernel computes the variance as
 * E[x²] − E[x]², which loses digits or becomes negative if the mean is far from zero.
 */
function centered(backend: CaptureBackend, x: OnnxValue): OnnxValue {
  const { graph } = backend;
  if (graph.lowering.kind === 'cpu') return x;
  const mean = reduce(backend, 'ReduceMean', x, [x.shape.length - 1]);
  return graph.node('Sub', [x, graph.reshape(mean, [...x.shape.slice(0, -1), 1])], x.shape);
}

/** Custom kernels that correspond to one ONNX operation. */
export const FUSED: readonly CaptureKernel[] = [
  defineKernel<Tensors<'x'>, { readonly again: boolean }>(
    FUSED_KERNEL.gelu,
    (backend, { x }, { again }) => {
      const { graph } = backend;
      // ONNX Runtime's own operator of that name, which neither this builder nor ONNX Runtime's optimizer merges with the
      // first one.
      const apply = (value: OnnxValue): OnnxValue =>
        again && graph.lowering.kind === 'cpu'
          ? graph.contrib('com.microsoft', 'Gelu', [value], value.shape)
          : graph.node('Gelu', [value], value.shape);
      const inBlocks = backend.blocked(x);
      return inBlocks
        ? backend.blockedInfo(apply(inBlocks.value), inBlocks.map, x.shape)
        : backend.tensorInfo(apply(backend.value(x)));
    },
  ),
  defineKernel<
    Tensors<'x'> & Readonly<Partial<Record<'weight' | 'bias', tf.TensorInfo>>>,
    { readonly epsilon: number }
  >(FUSED_KERNEL.standardize, (backend, { x, weight, bias }, { epsilon }) => {
    const { graph } = backend;
    const channels = x.shape.at(-1) ?? 1;
    const inBlocks = backend.blocked(x);
    if (inBlocks && !weight && sameShape(inBlocks.map, x.shape)) {
      const { map, value } = inBlocks;
      const { y, inverse, mean } = blockedStandardize(backend, value, channels, epsilon);
      return [backend.blockedInfo(y, map), backend.lanesInfo(inverse), backend.lanesInfo(mean)];
    }
    const scale = weight
      ? backend.value(weight)
      : graph.constant(new Float32Array(channels).fill(1), [channels], 'float32');
    const perPixel = [...x.shape.slice(0, -1), 1];
    const [y, mean, inverse] = graph.emit('LayerNormalization', {
      inputs: [centered(backend, backend.value(x)), scale, ...(bias ? [backend.value(bias)] : [])],
      outputs: [x.shape, perPixel, perPixel].map((shape) => ({ shape, type: 'float32' })),
      attributes: { axis: int(-1), epsilon: float(epsilon) },
    });
    return [y, inverse, mean].map((value) => backend.tensorInfo(value));
  }),
];
