import { float, int, type OnnxValue } from '../../onnx/graph.js';
import type { CaptureBackend } from '../backend.js';
import { defineKernel, type CaptureKernel, type Tensors } from '../define-kernel.js';
import { FUSED_KERNEL } from '../../ops/fused-kernels.js';
import { reduce } from './reduce.js';

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
      const value = backend.value(x);
      // ONNX Runtime's own operator of that name, which neither this builder nor ONNX Runtime's optimizer merges with the
      // first one.
      if (again && graph.lowering.kind === 'cpu') {
        return backend.tensorInfo(graph.contrib('com.microsoft', 'Gelu', [value], x.shape));
      }
      return backend.tensorInfo(graph.node('Gelu', [value], x.shape));
    },
  ),
  defineKernel<Tensors<'x'>, { readonly epsilon: number }>(
    FUSED_KERNEL.standardize,
    (backend, { x }, { epsilon }) => {
      const { graph } = backend;
      const channels = x.shape.at(-1) ?? 1;
      const ones = graph.constant(new Float32Array(channels).fill(1), [channels], 'float32');
      const perPixel = [...x.shape.slice(0, -1), 1];
      const [y, , inverse] = graph.emit('LayerNormalization', {
        inputs: [centered(backend, backend.value(x)), ones],
        outputs: [x.shape, perPixel, perPixel].map((shape) => ({ shape, type: 'float32' })),
        attributes: { axis: int(-1), epsilon: float(epsilon) },
      });
      return [backend.tensorInfo(y), backend.tensorInfo(inverse)];
    },
  ),
];
