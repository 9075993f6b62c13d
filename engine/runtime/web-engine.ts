import type * as Ort from 'onnxruntime-common';
import { EngineError } from '../../core/errors.js';
import { CompiledProgram, DEFAULT_COMPILE_OPTIONS } from './compiled.js';
import type { Engine } from './engine.js';
import type { OnnxRuntime, Provider } from './onnx-runtime.js';
import { SessionMemory } from './session-memory.js';

/** Options of the engine of a browser. */
export interface WebEngineOptions {
  /** `auto`: WebGPU where the browser has an adapter that is no software on the CPU, else WebAssembly. */
  readonly provider?: 'auto' | 'wasm' | 'webgpu' | undefined;
  /** Threads of WebAssembly; default: one per core if the page is cross-origin isolated, else 1, as browsers demand. */
  readonly threads?: number | undefined;
  /** URL of the folder with onnxruntime-web's `.wasm` and `.mjs` files, with a slash at the end; default: as the bundler placed them. */
  readonly wasmPaths?: string | undefined;
}

/** Engine of a browser, and what it runs on. */
export interface WebEngine extends Engine {
  readonly provider: 'wasm' | 'webgpu';
}

/** Properties of the browser that are read. */
interface Browser {
  readonly crossOriginIsolated?: boolean;
  readonly navigator?: {
    readonly hardwareConcurrency?: number;
    readonly gpu?: Gpu;
  };
}

interface Gpu {
  requestAdapter(): Promise<GpuAdapter | null>;
}

/** Whether it is software on the CPU; browsers say it in one of the two places. */
interface GpuAdapter {
  readonly isFallbackAdapter?: boolean;
  readonly info?: { readonly isFallbackAdapter?: boolean };
}

/**
 * Opens onnxruntime-web in a browser's page or worker.
 *
 * @throws ConfigError for unknown options, or if WebGPU is demanded and missing
 */
export async function openWebEngine({
  provider = 'auto',
  threads = 0,
  wasmPaths,
}: WebEngineOptions = {}): Promise<WebEngine> {
  if (!['auto', 'wasm', 'webgpu'].includes(provider))
    throw new EngineError(`provider: expected auto, wasm or webgpu, got ${provider}`);
  if (!Number.isInteger(threads) || threads < 0)
    throw new EngineError(`threads: expected a whole number from 0, got ${threads}`);
  const { crossOriginIsolated = false, navigator = {} } = globalThis as Browser;
  const hasGpu = provider !== 'wasm' && (await hasAdapter(navigator.gpu, provider));
  if (provider === 'webgpu' && !hasGpu)
    throw new EngineError(
      'provider webgpu: expected a browser with a WebGPU adapter, got none; leave the option out for WebAssembly',
    );
  const ort = await load(hasGpu);
  const cores = crossOriginIsolated ? (navigator.hardwareConcurrency ?? 1) : 1;
  ort.env.wasm.numThreads = crossOriginIsolated ? threads || cores : 1;
  if (wasmPaths !== undefined) ort.env.wasm.wasmPaths = wasmPaths;
  ort.env.logLevel = 'error';
  const runtime: OnnxRuntime = { kind: 'wasm', ort, hasGpu, numCores: cores };
  const options = {
    ...DEFAULT_COMPILE_OPTIONS,
    provider: (hasGpu ? 'webgpu' : 'cpu') satisfies Provider,
    threads,
    memory: new SessionMemory(),
  } as const;
  return {
    provider: hasGpu ? 'webgpu' : 'wasm',
    description: `onnxruntime-web (${hasGpu ? 'WebGPU' : `WebAssembly, ${ort.env.wasm.numThreads} threads`})`,
    prepare: (program, store, { gradients, frozen = false } = {}) =>
      new CompiledProgram({ runtime, lowering: { kind: 'portable' } }, program, store, gradients, {
        ...options,
        frozen,
      }),
  };
}

async function hasAdapter(gpu: Gpu | undefined, provider: 'auto' | 'webgpu'): Promise<boolean> {
  try {
    const adapter = await gpu?.requestAdapter();
    if (!adapter) return false;
    const isSoftware = adapter.isFallbackAdapter ?? adapter.info?.isFallbackAdapter ?? false;
    // Slower than WebAssembly.
    return provider === 'webgpu' || !isSoftware;
  } catch {
    return false;
  }
}

/** The build with WebGPU is twice as large; only one of them is fetched. */
async function load(withGpu: boolean): Promise<typeof Ort> {
  return withGpu ? import('onnxruntime-web/webgpu') : import('onnxruntime-web/wasm');
}
