import { availableParallelism } from 'node:os';
import { ConfigError } from '../../core/errors.js';
import type { OnnxRuntime, OrtModule } from './onnx-runtime.js';

/**
 * Loads onnxruntime-node, or onnxruntime-web if the native part is missing.
 *
 * @param prefer `wasm` skips the native package (for comparisons)
 * @throws ConfigError if neither can be loaded
 */
export async function loadOnnxRuntime(prefer: 'native' | 'wasm' = 'native'): Promise<OnnxRuntime> {
  const numCores = availableParallelism();
  if (prefer === 'native') {
    const native = await importNative();
    if (native) return { kind: 'native', ort: native, numCores };
  }
  try {
    const web = await import('onnxruntime-web');
    web.env.wasm.numThreads = 1;
    web.env.logLevel = 'error';
    return { kind: 'wasm', ort: web, numCores };
  } catch (cause) {
    throw new ConfigError(
      'ONNX Runtime: expected onnxruntime-node or onnxruntime-web, got neither; run: npm install onnxruntime-node@1.30.0 --onnxruntime-node-install=skip',
      { cause },
    );
  }
}

async function importNative(): Promise<OrtModule | undefined> {
  try {
    return (await import('onnxruntime-node')) as unknown as OrtModule;
  } catch {
    return undefined;
  }
}
