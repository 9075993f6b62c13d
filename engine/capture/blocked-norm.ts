import type { OnnxValue } from '../onnx/graph.js';
import type { CaptureBackend } from './backend.js';
import { slice } from './kernels/shape.js';
import { blockedMatrix, plainConv } from './nchwc.js';

/** Results of {@link blockedStandardize}. */
interface Standardized {
  /** `[N, Cp, H, W]`, blocked. */
  readonly y: OnnxValue;
  /** `1 / sqrt(variance + epsilon)`, `[N, H, W, 1]`. */
  readonly inverse: OnnxValue;
  /** `[N, H, W, 1]` */
  readonly mean: OnnxValue;
}

/**
 * `(x − mean) / sqrt(variance + epsilon)` over the channels of a blocked map. Means over channels are 1×1 convolutions to one
 * block of equal channels, so that they broadcast over the blocks as they are stored. ONNX Runtime's layer norm takes the
 * plain layout, and few channels a position make it slow.
 *
 * @param x `[N, Cp, H, W]`
 * @param channels `C`; the others are zero, and stay so
 */
export function blockedStandardize(
  backend: CaptureBackend,
  x: OnnxValue,
  channels: number,
  epsilon: number,
): Standardized {
  const { graph, blockSize: block } = backend;
  const [n, cp, h, w] = x.shape;
  const blocks = [n, cp / block, h * w * block];
  const oneBlock = [n, 1, h * w * block];
  const equal = new Float32Array(channels * block).fill(1 / channels);
  const weight = blockedMatrix(backend, graph.constant(equal, [channels, block], 'float32'));
  const shift = graph.constant(new Float32Array(block).fill(epsilon), [block], 'float32');
  const means = plainConv(backend, x, weight, { group: 1 }); // [N, B, H, W]
  const operands = [graph.reshape(x, blocks), graph.reshape(means, oneBlock)];
  const centered = graph.node('Sub', operands, blocks);
  const squares = graph.reshape(graph.node('Mul', [centered, centered], blocks), x.shape);
  const variances = plainConv(backend, squares, weight, { bias: shift, group: 1 });
  const roots = graph.node('Sqrt', [variances], variances.shape);
  const y = graph.node('Div', [centered, graph.reshape(roots, oneBlock)], blocks);
  /** The first of the equal channels. */
  const perPosition = (value: OnnxValue): OnnxValue =>
    slice(backend, graph.reshape(value, [n, h, w, block]), [0, 0, 0, 0], [n, h, w, 1]);
  const root = perPosition(roots);
  return {
    y: graph.reshape(y, x.shape),
    inverse: graph.node('Reciprocal', [root], root.shape),
    mean: perPosition(means),
  };
}
