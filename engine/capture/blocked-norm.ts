import type { OnnxValue } from '../onnx/graph.js';
import type { CaptureBackend } from './backend.js';
import { blockedMatrix, plainConv } from './nchwc.js';

/**
 * `(x − mean) / sqrt(variance + epsilon)` over the channels of a blocked map. ONNX Runtime's layer norm takes the plain
 * layout, and few channels a position make it slow. Here means over the channels are 1×1 convolutions to lanes
 * ({@link file://./record.ts}).
 *
 * @param x `[N, Cp, H, W]`
 * @param channels `C`; the others are zero in x, and of any finite value in y, which nothing reads
 * @returns `y`, blocked; `inverse = 1 / sqrt(variance + epsilon)` and the mean as lanes
 */
export function blockedStandardize(
  backend: CaptureBackend,
  x: OnnxValue,
  channels: number,
  epsilon: number,
): Readonly<Record<'y' | 'inverse' | 'mean', OnnxValue>> {
  const { graph, blockSize: block } = backend;
  const lanes = lanesOf(backend, x.shape, channels);
  const mean = lanes.mean(x);
  const centered = lanes.across('Sub', x, mean);
  const squares = graph.node('Mul', [centered, centered], x.shape);
  const shift = graph.constant(new Float32Array(block).fill(epsilon), [block], 'float32');
  const variances = lanes.mean(squares, shift);
  const roots = graph.node('Sqrt', [variances], variances.shape);
  return {
    y: lanes.across('Div', centered, roots),
    inverse: graph.node('Reciprocal', [roots], roots.shape),
    mean,
  };
}

/** Inputs of {@link blockedStandardizeGradient}. */
interface StandardizeGradient {
  /** Blocked, `[N, Cp, H, W]`. */
  readonly dy: OnnxValue;
  /** The standardized map, blocked. */
  readonly y: OnnxValue;
  /** Lanes, `[N, B, H, W]`. */
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
  return lanes.across('Mul', rest, inverse);
}

/** Operations between blocked maps of one shape and their lanes. */
interface Lanes {
  /** Mean over the channels, plus `shift`. */
  mean(x: OnnxValue, shift?: OnnxValue): OnnxValue;
  /** Combines every channel of a map with the value of its position. */
  across(op: 'Sub' | 'Mul' | 'Div', x: OnnxValue, value: OnnxValue): OnnxValue;
}

/** {@link Lanes} of maps `[N, Cp, H, W]`, of which `channels` are not padding. */
function lanesOf(backend: CaptureBackend, map: readonly number[], channels: number): Lanes {
  const { graph, blockSize: block } = backend;
  const [n, cp, h, w] = map;
  const all = [n, cp / block, h * w * block];
  const equal = new Float32Array(channels * block).fill(1 / channels);
  const weight = graph.constant(equal, [channels, block], 'float32');
  return {
    mean: (x, bias) => plainConv(backend, x, blockedMatrix(backend, weight), { bias, group: 1 }),
    across: (op, x, value) => {
      const operands = [graph.reshape(x, all), graph.reshape(value, [n, 1, h * w * block])];
      return graph.reshape(graph.node(op, operands, all), map);
    },
  };
}
