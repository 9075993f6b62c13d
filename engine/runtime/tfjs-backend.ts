import * as tf from '../tfjs.js';
import { EngineError } from '../../core/errors.js';
import { CAPTURE } from '../capture/backend.js';
import { TENSORFLOW, loadTensorflowBackend } from './tfjs-node.js';

/**
 * Starts a tfjs backend by name; imports the optional package that provides it.
 *
 * @throws ConfigError if its package is missing (with the install command), or if the backend is unknown or does not
 *   start
 */
export async function startTfjsBackend(name: string): Promise<void> {
  if (name === TENSORFLOW) {
    await loadTensorflowBackend();
    return;
  }
  if (name === 'wasm') await importWasm();
  const known = tf.engine().backendNames();
  if (!known.includes(name) || name === CAPTURE) {
    const names = new Set([...known, 'wasm', TENSORFLOW]);
    names.delete(CAPTURE);
    throw new EngineError(
      `tfjs backend: expected ${[...names].join(', ')} or one that was registered, got ${name}`,
    );
  }
  if (!(await tf.setBackend(name)))
    throw new EngineError(`tfjs backend ${name}: expected it to start, got an error`);
}

async function importWasm(): Promise<void> {
  try {
    await import('@tensorflow/tfjs-backend-wasm');
  } catch (cause) {
    throw new EngineError(
      'tfjs backend wasm: expected its package, got none; run: npm install @tensorflow/tfjs-backend-wasm@4.22.0',
      { cause },
    );
  }
}
