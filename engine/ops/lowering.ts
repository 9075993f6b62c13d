import * as tf from '@tensorflow/tfjs';
import { CaptureBackend } from '../capture/backend.js';

/**
 * Whether a portable graph is being captured: other runtimes are optimized for standard operators, so that a faster
 * decomposition of our own would be slower there.
 */
export function prefersStandardOperators(): boolean {
  const backend = tf.backend();
  return backend instanceof CaptureBackend && backend.graph.lowering.kind === 'portable';
}
