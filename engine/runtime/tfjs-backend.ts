import * as tf from '../tfjs.js';
import { EngineError } from '../../core/errors.js';
import { CAPTURE } from '../capture/backend.js';
import { installCommand } from '../../io/files/install-command.js';
import { TENSORFLOW, describeTensorflow, loadTensorflowBackend } from './tfjs-node.js';

/**
 * Starts a tfjs backend by name; imports the optional package that provides it.
 *
 * @throws ConfigError if its package is missing (with the install command), or if the backend is unknown or does not
 *   start
 * @returns description of the backend for people: its name, for `tensorflow` with package and device
 */
export async function startTfjsBackend(name: string): Promise<string> {
  if (name === TENSORFLOW) return `${name} (${describeTensorflow(await loadTensorflowBackend())})`;
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
  return name;
}

async function importWasm(): Promise<void> {
  try {
    await import('@tensorflow/tfjs-backend-wasm');
  } catch (cause) {
    throw new EngineError(
      `tfjs backend wasm: expected its package, got none; run: ${installCommand('@tensorflow/tfjs-backend-wasm@4.22.0')}`,
      { cause },
    );
  }
}
