import type * as tf from '@tensorflow/tfjs';
import type { OnnxValue } from '../../onnx/graph.js';
import { FUSED_KERNEL } from '../../ops/fused-kernels.js';
import type { CaptureBackend } from '../backend.js';
import type { MapShape } from '../blocked-layout.js';
import { blockedStandardizeGradient } from '../blocked-norm.js';
import { defineKernel, type CaptureKernel, type Tensors } from '../define-kernel.js';
import {
  blockedAffine,
  blockedDot,
  blockedOuter,
  blockedPointwise,
  blockedSum,
  vectorsOf,
} from '../nchwc.js';
import { reduce } from '../reduce.js';
import { channelsFromBlocked, fromBlocked } from '../reorder.js';

type Optional<Name extends string> = Readonly<Partial<Record<Name, tf.TensorInfo>>>;

const mapOf = (x: tf.TensorInfo): MapShape => x.shape as unknown as MapShape;

/** A vector; one of equal elements as a constant. */
function vector(backend: CaptureBackend, x: tf.TensorInfo): OnnxValue {
  const fill = backend.uniform(x);
  if (fill === undefined) return backend.value(x);
  const size = x.shape.reduce((product, length) => product * length, 1);
  return backend.graph.constant(new Float32Array(size).fill(fill), x.shape, 'float32');
}

/** Sums over the images, if `total`. `x` is `[N, 1, 1, C]`. */
function overImages(backend: CaptureBackend, x: OnnxValue, total: boolean): OnnxValue {
  if (!total) return x;
  return backend.graph.reshape(reduce(backend, 'ReduceSum', x, [0]), [1, ...x.shape.slice(1)]);
}

/** `gelu'(x) · √π` for blocked `x`: `t · e^(−t²) + (1 + erf t) / (2/√π)` with `t = x / √2`, in six passes. */
function slope(backend: CaptureBackend, x: OnnxValue, channels: number): OnnxValue {
  const { graph } = backend;
  const { shape } = x;
  const t = graph.node('Mul', [x, graph.scalar(Math.SQRT1_2)], shape);
  const square = graph.node('Mul', [t, t], shape);
  // e^(t²) may become infinite: then the quotient is 0, as it should be.
  const density = graph.node('Div', [t, graph.node('Exp', [square], shape)], shape);
  const half = new Float32Array(channels).fill(Math.sqrt(Math.PI) / 2);
  const scale = graph.constant(half, [1, 1, 1, channels], 'float32');
  const shift = graph.constant(half, [channels], 'float32');
  const erf = blockedAffine(backend, graph.node('Erf', [t], shape), scale, shift);
  return blockedSum(backend, density, erf);
}

/** Kernels that run in the blocked layout only, which portable graphs have not. */
export const BLOCKED: readonly CaptureKernel[] = [
  defineKernel<Tensors<'x'>>(FUSED_KERNEL.inBlocks, (backend, { x }) =>
    backend.blockedInfo(backend.blockedValue(x), mapOf(x)),
  ),
  defineKernel<
    Tensors<'x' | 'weight'> & Optional<'bias' | 'inScale' | 'outScale'>,
    { readonly transposed: boolean }
  >(FUSED_KERNEL.pointwise, (backend, { x, weight, bias, inScale, outScale }, { transposed }) => {
    const [n, h, w] = mapOf(x);
    const y = blockedPointwise(backend, backend.blockedValue(x), backend.value(weight), {
      bias: bias && backend.value(bias),
      inScale: inScale && backend.value(inScale),
      outScale: outScale && backend.value(outScale),
      transposed,
    });
    return backend.blockedInfo(y, [n, h, w, weight.shape[transposed ? 0 : 1]]);
  }),
  defineKernel<Tensors<'x' | 'dy'>, { readonly perImage: boolean }>(
    FUSED_KERNEL.pointwiseWeightGradient,
    (backend, { x, dy }, { perImage }) => {
      const { graph, blockSize: block } = backend;
      const [n, h, w, inputs] = mapOf(x);
      const outputs = mapOf(dy)[3];
      const [narrow, wide] = inputs < outputs ? [x, dy] : [dy, x];
      const [c, k] = [mapOf(narrow)[3], mapOf(wide)[3]];
      const each = perImage || ((h * w) % block === 0 && h * w > c);
      let y = blockedOuter(backend, backend.value(narrow), backend.blockedValue(wide), each);
      if (each && !perImage && n > 1) {
        const [, kp] = y.shape;
        const total = reduce(backend, 'ReduceSum', graph.reshape(y, [n, kp * c]), [0]);
        y = graph.reshape(total, [1, kp, 1, c]);
      }
      const plain = narrow === x ? fromBlocked(graph, y, k) : channelsFromBlocked(graph, y, k);
      const shape = perImage ? [n, inputs, outputs] : [inputs, outputs];
      return backend.tensorInfo(graph.reshape(plain, shape));
    },
  ),
  defineKernel<Tensors<'a' | 'b'>, { readonly total: boolean }>(
    FUSED_KERNEL.channelDot,
    (backend, { a, b }, { total }) => {
      const dots = blockedDot(backend, backend.blockedValue(a), backend.blockedValue(b));
      return backend.tensorInfo(overImages(backend, vectorsOf(backend, dots, mapOf(a)), total));
    },
  ),
  defineKernel<Tensors<'a' | 'scale'> & Optional<'bias' | 'add'>>(
    FUSED_KERNEL.channelAffine,
    (backend, { a, scale, bias, add }) => {
      const y = blockedAffine(
        backend,
        backend.blockedValue(a),
        vector(backend, scale),
        bias && vector(backend, bias),
      );
      const sum = add ? blockedSum(backend, backend.blockedValue(add), y) : y;
      return backend.blockedInfo(sum, mapOf(a));
    },
  ),
  defineKernel<Tensors<'dy' | 'y' | 'inverse'>, { readonly isCentered: boolean }>(
    FUSED_KERNEL.standardizeGradient,
    (backend, { dy, y, inverse }, { isCentered }) => {
      const map = mapOf(y);
      const dx = blockedStandardizeGradient(backend, {
        dy: backend.blockedValue(dy),
        y: backend.blockedValue(y),
        inverse: backend.lanes(inverse),
        channels: map[3],
        isCentered,
      });
      return backend.blockedInfo(dx, map);
    },
  ),
  defineKernel<Tensors<'x'>>(FUSED_KERNEL.geluSlope, (backend, { x }) =>
    backend.blockedInfo(slope(backend, backend.blockedValue(x), mapOf(x)[3]), mapOf(x)),
  ),
];
