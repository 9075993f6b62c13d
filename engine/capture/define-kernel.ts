import type * as tf from '@tensorflow/tfjs';
import { CAPTURE, captureBackend, type CaptureBackend } from './backend.js';

/** Required inputs of a kernel by name. */
export type Tensors<Name extends string> = Readonly<Record<Name, tf.TensorInfo>>;

/** Inputs of a kernel by name; an optional input may be absent. */
type Inputs = Readonly<Record<string, tf.TensorInfo | undefined>>;

/** A capture kernel before registration. */
export interface CaptureKernel {
  readonly name: string;
  readonly config: tf.KernelConfig;
}

/**
 * Gives a capture kernel typed inputs and attributes. Only here are tfjs's untyped maps cast: the attributes of every
 * kernel are documented in tfjs-core's `kernel_names`.
 */
export function defineKernel<I extends Inputs, A = Readonly<Record<string, never>>>(
  name: string,
  kernel: (backend: CaptureBackend, inputs: I, attrs: A) => tf.TensorInfo | tf.TensorInfo[],
): CaptureKernel {
  return {
    name,
    config: {
      kernelName: name,
      backendName: CAPTURE,
      kernelFunc: ({ inputs, backend, attrs }) =>
        kernel(captureBackend(backend), inputs as unknown as I, attrs as unknown as A),
    },
  };
}
