import type * as tf from '@tensorflow/tfjs';
import type { CaptureBackend } from './backend.js';
import { CAPTURE, captureBackend } from './backend.js';

/** Inputs of a kernel by name; an optional input may be absent. */
type Inputs = Readonly<Record<string, tf.TensorInfo | undefined>>;

/** A capture kernel that has not been registered yet. */
export interface CaptureKernel {
  readonly name: string;
  readonly config: tf.KernelConfig;
}

/**
 * Gives a capture kernel typed inputs and attributes. The only place where tfjs's untyped maps are
 * taken at their word: every kernel's attributes are documented by tfjs-core's `kernel_names`.
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
