import * as tf from '../../tfjs.js';
import type { CaptureBackend } from '../backend.js';
import { defineKernel, type CaptureKernel, type Tensors } from '../define-kernel.js';
import type { OnnxType, OnnxValue } from '../../onnx/graph.js';
import { numElements, sameShape } from '../../../core/shape.js';
import type { MapShape } from '../blocked-layout.js';
import { blockedAffine, blockedSum } from '../nchwc.js';

type Unary = Tensors<'x'>;
type Binary = Tensors<'a' | 'b'>;

/** tfjs kernels with an ONNX operation of the same name. */
const UNARY = [
  ...['Abs', 'Ceil', 'Cos', 'Elu', 'Erf', 'Exp', 'Floor', 'Log', 'Neg', 'Reciprocal'],
  ...['Relu', 'Round', 'Sigmoid', 'Sin', 'Softplus', 'Sqrt', 'Tanh'],
];

const ARITHMETIC: Readonly<Record<string, string>> = {
  Add: 'Add',
  Sub: 'Sub',
  Multiply: 'Mul',
  RealDiv: 'Div',
  Maximum: 'Max',
  Minimum: 'Min',
  Pow: 'Pow',
};

const COMPARISON: Readonly<Record<string, string>> = {
  Equal: 'Equal',
  Greater: 'Greater',
  GreaterEqual: 'GreaterOrEqual',
  Less: 'Less',
  LessEqual: 'LessOrEqual',
  LogicalAnd: 'And',
  LogicalOr: 'Or',
};

/** Emits an ONNX operation on one value that keeps shape and type. */
function apply(backend: CaptureBackend, op: string, x: OnnxValue): OnnxValue {
  return backend.graph.node(op, [x], x.shape);
}

/** Applies `f` to the source of a broadcast if there is one, else to the value. */
function pointwise(
  backend: CaptureBackend,
  x: tf.TensorInfo,
  f: (value: OnnxValue) => OnnxValue,
): tf.TensorInfo {
  return backend.broadcastInfo(f(backend.operand(x)), x.shape);
}

function unary(
  name: string,
  f: (backend: CaptureBackend, value: OnnxValue) => OnnxValue,
): CaptureKernel {
  return defineKernel<Unary>(name, (backend, { x }) =>
    pointwise(backend, x, (value) => f(backend, value)),
  );
}

/** Simplifies operations with a neutral element (x · 1, x + 0, …) to the other operand. */
function neutral(
  name: string,
  backend: CaptureBackend,
  { a, b }: Binary,
): tf.TensorInfo | undefined {
  const [left, right] = [backend.uniform(a), backend.uniform(b)];
  const isB = {
    Add: right === 0,
    Sub: right === 0,
    Multiply: right === 1,
    RealDiv: right === 1,
    Pow: right === 1,
  }[name];
  if (isB) return a;
  const isA = { Add: left === 0, Multiply: left === 1 }[name];
  return isA ? b : undefined;
}

/** Operations that leave the zero padding of the blocked layout zero. */
const KEEPS_PADDING = new Set(['Add', 'Sub', 'Multiply']);

/** Applies an operation in the blocked layout if an operand is held in it and the other one fits. */
function binaryInBlocks(
  name: string,
  op: string,
  backend: CaptureBackend,
  { a, b }: Binary,
  shape: readonly number[],
): tf.TensorInfo | undefined {
  const map = (backend.blocked(a) ?? backend.blocked(b))?.map;
  if (!map || !KEEPS_PADDING.has(name) || numElements(shape) !== numElements(map)) return undefined;
  const [left, right] = [a, b].map((x) => mapOrFactor(backend, x, map));
  const { graph } = backend;
  const result = (y: OnnxValue): tf.TensorInfo => backend.blockedInfo(y, map, shape);
  if (left?.kind === 'map' && right?.kind === 'map') {
    const values = [left.value, right.value] as const;
    if (name === 'Add') return result(blockedSum(backend, ...values));
    return result(graph.node(op, values, left.value.shape));
  }
  if (!left || !right || name !== 'Multiply') return undefined;
  const [full, factor] = left.kind === 'map' ? [left.value, right] : [right.value, left];
  if (factor.kind === 'scalar') return result(graph.node(op, [full, factor.value], full.shape));
  if (!sameShape(shape, map)) return undefined;
  return result(blockedAffine(backend, full, perChannel(backend, factor.value, map[3]), undefined));
}

/** `[N, 1, 1, 1]` → `[N, 1, 1, C]` */
function perChannel(backend: CaptureBackend, factor: OnnxValue, channels: number): OnnxValue {
  const ones = backend.graph.constant(new Float32Array(channels).fill(1), [channels], 'float32');
  return backend.graph.node('Mul', [factor, ones], [factor.shape[0], 1, 1, channels]);
}

/** Operand of an operation on maps: a map, or a factor of all elements or of each image, `[N, 1, 1, 1]`. */
interface BlockedOperand {
  readonly kind: 'map' | 'scalar' | 'perImage';
  readonly value: OnnxValue;
}

function mapOrFactor(
  backend: CaptureBackend,
  x: tf.TensorInfo,
  map: MapShape,
): BlockedOperand | undefined {
  if (backend.blocked(x)) {
    const isMap = numElements(x.shape) === numElements(map);
    return isMap ? { kind: 'map', value: backend.blockedValue(x, map) } : undefined;
  }
  const value = backend.operand(x);
  const size = numElements(value.shape);
  if (size === 1) return { kind: 'scalar', value: backend.graph.reshape(value, []) };
  if (size === numElements(map)) return { kind: 'map', value: backend.blockedValue(x, map) };
  const shape = [...Array<number>(Math.max(0, 4 - value.shape.length)).fill(1), ...value.shape];
  const isOfImages = shape.length === 4 && shape.slice(1).every((length) => length === 1);
  return isOfImages ? { kind: 'perImage', value: backend.graph.reshape(value, shape) } : undefined;
}

function binary(name: string, op: string, type: OnnxType | undefined): CaptureKernel {
  return defineKernel<Binary>(name, (backend, inputs) => {
    const { a, b } = inputs;
    const shape = tf.broadcast_util.assertAndGetBroadcastShape([...a.shape], [...b.shape]);
    const same = neutral(name, backend, inputs);
    if (same) {
      if (sameShape(same.shape, shape)) return backend.alias(same, shape);
      return backend.broadcastInfo(backend.operand(same), shape);
    }
    const blocked = binaryInBlocks(name, op, backend, inputs, shape);
    if (blocked) return blocked;
    const [left, right] = [backend.operand(a), backend.operand(b)];
    const small = tf.broadcast_util.assertAndGetBroadcastShape([...left.shape], [...right.shape]);
    return backend.broadcastInfo(backend.graph.node(op, [left, right], small, {}, type), shape);
  });
}

function square(backend: CaptureBackend, x: OnnxValue): OnnxValue {
  return backend.graph.node('Mul', [x, x], x.shape);
}

/**
 * `x > 0 ? 1 : x < 0 ? −1 : 0`, because ONNX Runtime's WebGPU provider has no `Sign` and would move the tensor to the
 * CPU.
 */
function sign(backend: CaptureBackend, x: OnnxValue): OnnxValue {
  const { graph } = backend;
  if (graph.lowering.kind === 'cpu') return apply(backend, 'Sign', x);
  const [minus, zero, plus] = [-1, 0, 1].map((value) => graph.scalar(value, x.type));
  const negative = graph.node('Less', [x, zero], x.shape, {}, 'bool');
  const positive = graph.node('Greater', [x, zero], x.shape, {}, 'bool');
  const below = graph.node('Where', [negative, minus, zero], x.shape, {}, x.type);
  return graph.node('Where', [positive, plus, below], x.shape, {}, x.type);
}

const composed: readonly CaptureKernel[] = [
  unary('Sign', sign),
  unary('Square', square),
  unary('Rsqrt', (backend, x) => apply(backend, 'Reciprocal', apply(backend, 'Sqrt', x))),
  unary('Log1p', (b, x) => apply(b, 'Log', b.graph.node('Add', [x, b.graph.scalar(1)], x.shape))),
  unary('Expm1', (b, x) => b.graph.node('Sub', [apply(b, 'Exp', x), b.graph.scalar(1)], x.shape)),
  unary('LogicalNot', (backend, x) => apply(backend, 'Not', x)),
  defineKernel<Unary, { readonly alpha: number }>('Step', (backend, { x }, { alpha }) =>
    pointwise(backend, x, (value) => {
      const { graph } = backend;
      const positive = graph.node('Greater', [value, graph.scalar(0)], value.shape, {}, 'bool');
      // ONNX Runtime's Where writes two more copies.
      if (alpha === 0 && graph.lowering.kind === 'cpu') return graph.cast(positive, 'float32');
      // NaN compares false and becomes alpha here, while tfjs's Step preserves it. The check of the loss detects NaN in
      // both cases.
      const choices = [positive, graph.scalar(1), graph.scalar(alpha)];
      return graph.node('Where', choices, value.shape, {}, 'float32');
    }),
  ),
  defineKernel<Unary, { readonly alpha: number }>('LeakyRelu', (backend, { x }, { alpha }) =>
    pointwise(backend, x, (v) =>
      backend.graph.node('LeakyRelu', [v], v.shape, { alpha: { kind: 'float', value: alpha } }),
    ),
  ),
  defineKernel<Unary, { readonly clipValueMin: number; readonly clipValueMax: number }>(
    'ClipByValue',
    (backend, { x }, { clipValueMin, clipValueMax }) =>
      pointwise(backend, x, (v) => {
        const [low, high] = [clipValueMin, clipValueMax].map((limit) =>
          backend.graph.scalar(limit, v.type),
        );
        return backend.graph.node('Clip', [v, low, high], v.shape);
      }),
  ),
  unary('Relu6', (b, x) =>
    b.graph.node('Clip', [x, b.graph.scalar(0, x.type), b.graph.scalar(6, x.type)], x.shape),
  ),
  defineKernel<Binary>('SquaredDifference', (backend, { a, b }) => {
    const shape = tf.broadcast_util.assertAndGetBroadcastShape([...a.shape], [...b.shape]);
    const difference = backend.graph.node('Sub', [backend.value(a), backend.value(b)], shape);
    return backend.tensorInfo(square(backend, difference));
  }),
  defineKernel<Binary>('NotEqual', (backend, { a, b }) => {
    const shape = tf.broadcast_util.assertAndGetBroadcastShape([...a.shape], [...b.shape]);
    const values = [backend.value(a), backend.value(b)];
    const equal = backend.graph.node('Equal', values, shape, {}, 'bool');
    return backend.tensorInfo(apply(backend, 'Not', equal));
  }),
  defineKernel<Tensors<'condition' | 't' | 'e'>>('Select', (backend, { condition, t, e }) => {
    const { graph } = backend;
    let choice = backend.value(condition);
    // A condition of lower rank selects along the first axes.
    const trailing = t.shape.length - choice.shape.length;
    if (trailing > 0)
      choice = graph.reshape(choice, [...choice.shape, ...Array<number>(trailing).fill(1)]);
    return backend.tensorInfo(
      graph.node('Where', [choice, backend.value(t), backend.value(e)], t.shape, {}, onnxOf(t)),
    );
  }),
  defineKernel<Tensors<string>>('AddN', (backend, inputs) => {
    const terms = Object.values(inputs);
    const [first, ...rest] = terms.map((term) => backend.operand(term));
    const shape = terms[0].shape;
    const sum = rest.reduce((total, term) => {
      const joint = tf.broadcast_util.assertAndGetBroadcastShape([...total.shape], [...term.shape]);
      return backend.graph.node('Add', [total, term], joint);
    }, first);
    return backend.broadcastInfo(sum, shape);
  }),
  defineKernel<Unary, { readonly dtype: tf.DataType }>('Cast', (backend, { x }, { dtype }) => {
    if (x.dtype === dtype) return backend.alias(x, x.shape);
    const to = dtype as OnnxType;
    const uniform = backend.uniform(x);
    if (uniform !== undefined) {
      const fill =
        dtype === 'bool'
          ? Number(uniform !== 0)
          : dtype === 'int32'
            ? Math.trunc(uniform)
            : uniform;
      return backend.uniformInfo(fill, x.shape, to);
    }
    return pointwise(backend, x, (v) => backend.graph.cast(v, to));
  }),
];

function onnxOf(x: tf.TensorInfo): OnnxType {
  return x.dtype as OnnxType;
}

/** Pointwise kernels: arithmetic, comparisons, activations, casts. */
export const ELEMENTWISE: readonly CaptureKernel[] = [
  ...UNARY.map((op) => unary(op, (backend, x) => apply(backend, op, x))),
  ...Object.entries(ARITHMETIC).map(([name, op]) => binary(name, op, undefined)),
  ...Object.entries(COMPARISON).map(([name, op]) => binary(name, op, 'bool')),
  ...composed,
];
