import * as tf from '../tfjs.js';
import { CaptureBackend } from '../capture/backend.js';
import { canBlock } from '../capture/blocked-layout.js';
import { runFusedKernel } from './fused-kernels.js';

/**
 * Whether a portable graph is being captured: other runtimes are optimized for standard operators, so that a faster
 * decomposition of our own would be slower there.
 */
export function prefersStandardOperators(): boolean {
  const backend = tf.backend();
  return backend instanceof CaptureBackend && backend.graph.lowering.kind === 'portable';
}

/** Whether a graph for a file is being captured, in which products take the weights as they are. */
export function keepsWeights(): boolean {
  const backend = tf.backend();
  if (!(backend instanceof CaptureBackend)) return false;
  const { lowering } = backend.graph;
  return lowering.kind === 'portable' && (lowering.stored ?? false);
}

/** Whether a feature map is held in the blocked layout of ONNX Runtime's convolutions, in a graph that is being captured. */
export function isInBlocks(x: tf.Tensor): boolean {
  const backend = tf.backend();
  return backend instanceof CaptureBackend && backend.blocked(x) !== undefined;
}

/**
 * Whether a map over channels is faster in the blocked layout: on the CPU provider, if the layout conversions accept the
 * channels, and if the map has enough positions to make up for changing the layout of the weight in every run.
 *
 * @param x `[N, H, W, in]`
 */
export function blocksPay(x: tf.Tensor4D, out: number): boolean {
  const backend = tf.backend();
  if (!(backend instanceof CaptureBackend) || backend.graph.lowering.kind !== 'cpu') return false;
  const [n, h, w, channels] = x.shape;
  if (!canBlock(channels) || !canBlock(out)) return false;
  return backend.graph.hasConstantWeights || n * h * w > 2 * Math.min(channels, out);
}

/**
 * Converts a map to the blocked layout if the graph that is being captured may use it; the result is equal in any case.
 * No gradient.
 *
 * @param x `[N, H, W, C]`
 */
export function inBlocks(x: tf.Tensor4D): tf.Tensor4D {
  const backend = tf.backend();
  const can =
    backend instanceof CaptureBackend &&
    backend.graph.lowering.kind === 'cpu' &&
    canBlock(x.shape[3]);
  return can ? runFusedKernel<tf.Tensor4D>('inBlocks', { x }) : x;
}
