import type * as tf from '@tensorflow/tfjs';
import { ConfigError } from '../../../core/errors.js';
import { numElements } from '../../../core/shape.js';
import { int, type OnnxValue } from '../../onnx/graph.js';
import type { CaptureBackend } from '../backend.js';
import { defineKernel, type CaptureKernel, type Tensors } from '../define-kernel.js';

/** Operands of a product that are transposed. */
interface Transposed {
  readonly a?: boolean;
  readonly b?: boolean;
}

/** Matrix product `a · b` with an optional bias row. */
export function matrixProduct(
  backend: CaptureBackend,
  a: OnnxValue,
  b: OnnxValue,
  transposed: Transposed = {},
  bias?: OnnxValue,
): OnnxValue {
  const { graph } = backend;
  const shape = [a.shape[transposed.a ? 1 : 0], b.shape[transposed.b ? 0 : 1]];
  if (!transposed.a && !transposed.b && !bias) return graph.node('MatMul', [a, b], shape);
  const attributes = {
    ...(transposed.a ? { transA: int(1) } : {}),
    ...(transposed.b ? { transB: int(1) } : {}),
  };
  return graph.node('Gemm', bias ? [a, b, bias] : [a, b], shape, attributes);
}

/** Reshapes `x` to a matrix: all axes but the last become rows. */
export function rows(backend: CaptureBackend, x: OnnxValue): OnnxValue {
  const columns = x.shape.at(-1) ?? 1;
  return backend.graph.reshape(x, [numElements(x.shape) / columns, columns]);
}

/** Batched product over the last two axes; leading axes broadcast. */
function batchedProduct(
  backend: CaptureBackend,
  a: OnnxValue,
  b: OnnxValue,
  transposed: Transposed,
): OnnxValue {
  const { graph } = backend;
  const rank = Math.max(a.shape.length, b.shape.length);
  const lift = (x: OnnxValue): OnnxValue =>
    graph.reshape(x, [...Array<number>(rank - x.shape.length).fill(1), ...x.shape]);
  const [left, right] = [lift(a), lift(b)];
  const batch = left.shape.slice(0, -2).map((size, axis) => Math.max(size, right.shape[axis]));
  const m = left.shape[rank - (transposed.a ? 1 : 2)];
  const n = right.shape[rank - (transposed.b ? 2 : 1)];
  const shape = [...batch, m, n];
  if (numElements(batch) === 1) {
    const matrix = (x: OnnxValue): OnnxValue => graph.reshape(x, x.shape.slice(-2));
    return graph.reshape(matrixProduct(backend, matrix(left), matrix(right), transposed), shape);
  }
  const sharedRight = numElements(right.shape.slice(0, -2)) === 1;
  if (sharedRight && !transposed.a) {
    const matrix = graph.reshape(right, right.shape.slice(-2));
    return graph.reshape(
      matrixProduct(backend, rows(backend, left), matrix, { b: transposed.b ?? false }),
      shape,
    );
  }
  if (!transposed.a && !transposed.b) return graph.node('MatMul', [left, right], shape);
  if (graph.lowering.kind === 'cpu') {
    return graph.contrib('com.microsoft', 'FusedMatMul', [left, right], shape, {
      transA: int(transposed.a ? 1 : 0),
      transB: int(transposed.b ? 1 : 0),
    });
  }
  const swapped = [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2];
  const plain = (x: OnnxValue, swap: boolean | undefined): OnnxValue =>
    swap ? graph.transpose(x, swapped) : x;
  return graph.node('MatMul', [plain(left, transposed.a), plain(right, transposed.b)], shape);
}

interface ProductAttrs {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** Activations of tfjs's fused kernels that our models use. */
export function activate(
  backend: CaptureBackend,
  x: tf.TensorInfo,
  activation: string | undefined,
): tf.TensorInfo {
  if (!activation || activation === 'linear') return x;
  if (activation === 'relu')
    return backend.tensorInfo(backend.graph.node('Relu', [backend.value(x)], x.shape));
  throw new ConfigError(`capture: expected a fused activation linear or relu, got ${activation}`);
}

/** Matrix products. */
export const PRODUCTS: readonly CaptureKernel[] = [
  defineKernel<Tensors<'a' | 'b'>, ProductAttrs>(
    'BatchMatMul',
    (backend, { a, b }, { transposeA, transposeB }) =>
      backend.tensorInfo(
        batchedProduct(backend, backend.value(a), backend.value(b), {
          a: transposeA,
          b: transposeB,
        }),
      ),
  ),
  defineKernel<
    Tensors<'a' | 'b'> & { readonly bias?: tf.TensorInfo },
    ProductAttrs & { readonly activation?: string }
  >('_FusedMatMul', (backend, { a, b, bias }, { transposeA, transposeB, activation }) => {
    const { graph } = backend;
    const [left, right] = [backend.value(a), backend.value(b)];
    const transposed = { a: transposeA, b: transposeB };
    const matrix = (x: OnnxValue): OnnxValue => graph.reshape(x, x.shape.slice(-2));
    let y: OnnxValue;
    if (
      bias &&
      numElements(left.shape.slice(0, -2)) === 1 &&
      numElements(right.shape.slice(0, -2)) === 1
    ) {
      y = matrixProduct(backend, matrix(left), matrix(right), transposed, backend.value(bias));
      y = graph.reshape(y, [...left.shape.slice(0, -2), ...y.shape]);
    } else {
      y = batchedProduct(backend, left, right, transposed);
      if (bias) y = graph.node('Add', [y, backend.value(bias)], y.shape);
    }
    return activate(backend, backend.tensorInfo(y), activation);
  }),
];
