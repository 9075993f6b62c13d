import * as tf from '../tfjs.js';
import { ConfigError } from '../../core/errors.js';
import { CAPTURE, CaptureBackend } from './backend.js';
import type { CaptureKernel } from './define-kernel.js';
import { BLOCKED } from './kernels/blocked.js';
import { CONV } from './kernels/conv.js';
import { DEPTHWISE } from './kernels/depthwise.js';
import { ELEMENTWISE } from './kernels/elementwise.js';
import { FUSED } from './kernels/fused.js';
import { PRODUCTS } from './kernels/products.js';
import { REDUCE } from './kernels/reduce.js';
import { SHAPE } from './kernels/shape.js';
import { describeScope } from './scope.js';

/** All kernels of the capture backend. */
export const CAPTURE_KERNELS: readonly CaptureKernel[] = [
  ...ELEMENTWISE,
  ...SHAPE,
  ...REDUCE,
  ...PRODUCTS,
  ...CONV,
  ...DEPTHWISE,
  ...FUSED,
  ...BLOCKED,
];

/**
 * Registers the capture backend with tfjs (once per process: tfjs's registries are global) and returns it. For kernels
 * that only tfjs has, a stub is registered that throws with the names of kernel and layer.
 */
export function ensureCaptureBackend(): CaptureBackend {
  const existing = tf.findBackend(CAPTURE);
  if (existing instanceof CaptureBackend) return existing;
  tf.registerBackend(CAPTURE, () => new CaptureBackend(), -1);
  for (const { config } of CAPTURE_KERNELS) tf.registerKernel(config);
  const supported = new Set(CAPTURE_KERNELS.map(({ name }) => name));
  for (const { kernelName } of tf.getKernelsForBackend('cpu')) {
    if (!supported.has(kernelName)) tf.registerKernel(unsupported(kernelName));
  }
  const backend = tf.findBackend(CAPTURE);
  if (backend instanceof CaptureBackend) return backend;
  throw new ConfigError('capture: expected tfjs to start the capture backend, got none');
}

function unsupported(kernelName: string): tf.KernelConfig {
  return {
    kernelName,
    backendName: CAPTURE,
    kernelFunc: () => {
      throw new ConfigError(
        `capture: expected kernels that can be written as ONNX, got ${kernelName} in ${describeScope()}; ` +
          'compose the op from supported kernels, or run the model on the eager runtime',
      );
    },
  };
}
