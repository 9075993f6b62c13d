import { availableParallelism, freemem } from 'node:os';
import type * as Ort from 'onnxruntime-common';
import { EngineError } from '../../core/errors.js';
import { disableTelemetry } from '../../core/telemetry.js';
import { carriedScript, readWebRuntime } from '../../io/files/web-runtime.js';
import type { OnnxRuntime, OrtModule } from './onnx-runtime.js';

// When this package is imported, since worker threads can no longer do it.
disableTelemetry();

/** Fraction of the available memory for sessions. */
const SESSION_FRACTION = 1 / 4;

/**
 * Loads onnxruntime-node, or onnxruntime-web if the native part is missing.
 *
 * @param prefer `wasm` skips the native package (for comparisons)
 * @throws ConfigError if neither can be loaded
 */
export async function loadOnnxRuntime(prefer: 'native' | 'wasm' = 'native'): Promise<OnnxRuntime> {
  const machine = {
    numCores: availableParallelism(),
    sessionBytes: SESSION_FRACTION * availableBytes(),
  };
  if (prefer === 'native') {
    const native = await importNative();
    if (native) return { kind: 'native', ort: native, ...machine };
  }
  try {
    const web = await importWebRuntime();
    web.env.wasm.numThreads = 1;
    web.env.logLevel = 'error';
    return { kind: 'wasm', ort: web, ...machine };
  } catch (cause) {
    throw new EngineError(
      'ONNX Runtime: expected onnxruntime-node or onnxruntime-web, got neither; run: npx convnextv2 doctor --fix',
      { cause },
    );
  }
}

function availableBytes(): number {
  // Absent before Node 20.13; knows the limits of containers.
  const { availableMemory } = process as { availableMemory?: () => number };
  return availableMemory === undefined ? freemem() : availableMemory.call(process);
}

/**
 * Loads onnxruntime-web: the files that the published package carries; in a checkout, the package itself.
 *
 * @param folder where carried files are; default: in this package
 */
export async function importWebRuntime(folder?: URL): Promise<typeof Ort> {
  const carried = carriedScript('ort.node.min.mjs', folder);
  if (!carried) return import('onnxruntime-web');
  const web = (await import(carried.href)) as typeof Ort;
  web.env.wasm.wasmBinary = await readWebRuntime('ort-wasm-simd-threaded.wasm', folder);
  return web;
}

async function importNative(): Promise<OrtModule | undefined> {
  try {
    const native = (await import('onnxruntime-node')) as unknown as typeof Ort;
    native.env.logLevel = 'fatal'; // errors are thrown, too
    return native;
  } catch {
    return undefined;
  }
}
