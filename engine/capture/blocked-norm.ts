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
  const lanes = lanesOf(backend, x.shape, channels);
  const means = lanes.mean(x);
  const centered = lanes.across('Sub', x, means);
  const squares = graph.node('Mul', [centered, centered], x.shape);
  const shift = graph.constant(new Float32Array(block).fill(epsilon), [block], 'float32');
  const variances = lanes.mean(squares, shift);
  const roots = graph.node('Sqrt', [variances], variances.shape);
  const root = lanes.first(roots);
  return {
    y: lanes.across('Div', centered, roots),
    inverse: graph.node('Reciprocal', [root], root.shape),
    mean: lanes.first(means),
  };
}

/** Inputs of {@link blockedStandardizeGradient}. */
interface StandardizeGradient {
  /** Blocked, `[N, Cp, H, W]`. */
  readonly dy: OnnxValue;
  /** The standardized map, blocked. */
  readonly y: OnnxValue;
  /** `[N, H, W, 1]` */
  readonly inverse: OnnxValue;
  readonly channels: number;
  /** Whether the mean of `dy` over the channels is known to be 0. */
  readonly isCentered: boolean;
}

/** Gradient of {@link blockedStandardize}, `(dy − mean(dy) − y · mean(dy · y)) · inverse`, blocked. */
export function blockedStandardizeGradient(
  backend: CaptureBackend,
  { dy, y, inverse, channels, isCentered }: StandardizeGradient,
): OnnxValue {
  const { graph } = backend;
  const lanes = lanesOf(backend, y.shape, channels);
  const centered = isCentered ? dy : lanes.across('Sub', dy, lanes.mean(dy));
  const along = lanes.mean(graph.node('Mul', [dy, y], y.shape));
  const rest = graph.node('Sub', [centered, lanes.across('Mul', y, along)], y.shape);
  return lanes.across('Mul', rest, lanes.fromFirst(inverse));
}

/** A value for each position, repeated over the channels of one block, `[N, B, H, W]`: it broadcasts over all blocks as they are stored. */
interface Lanes {
  /** Mean over the channels, plus `shift`. */
  mean(x: OnnxValue, shift?: OnnxValue): OnnxValue;
  /** Combines every channel of a map with the value of its position. */
  across(op: 'Sub' | 'Mul' | 'Div', x: OnnxValue, value: OnnxValue): OnnxValue;
  /** `[N, H, W, 1]` */
  first(value: OnnxValue): OnnxValue;
  /** From `[N, H, W, 1]`. */
  fromFirst(value: OnnxValue): OnnxValue;
}

/** Operations on the positions of blocked maps of one shape, `[N, Cp, H, W]` with `channels` that are not padding. */
function lanesOf(backend: CaptureBackend, map: readonly number[], channels: number): Lanes {
  const { graph, blockSize: block } = backend;
  const [n, cp, h, w] = map;
  const all = [n, cp / block, h * w * block];
  const plain = [n, h, w, block];
  const equal = new Float32Array(channels * block).fill(1 / channels);
  const weight = graph.constant(equal, [channels, block], 'float32');
  return {
    mean: (x, bias) => plainConv(backend, x, blockedMatrix(backend, weight), { bias, group: 1 }),
    across: (op, x, value) => {
      const operands = [graph.reshape(x, all), graph.reshape(value, [n, 1, h * w * block])];
      return graph.reshape(graph.node(op, operands, all), map);
    },
    first: (value) => slice(backend, graph.reshape(value, plain), [0, 0, 0, 0], [n, h, w, 1]),
    fromFirst: (value) => {
      const repeated = graph.node('Expand', [value, graph.shapeConstant(plain)], plain);
      return graph.reshape(repeated, [n, block, h, w]);
    },
  };
}
