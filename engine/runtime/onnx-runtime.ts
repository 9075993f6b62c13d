import { availableParallelism } from 'node:os';
import type * as Ort from 'onnxruntime-web';
import { ConfigError } from '../../core/errors.js';

/** The part of ONNX Runtime's JavaScript API that both packages share. */
export type OrtModule = Pick<typeof Ort, 'InferenceSession' | 'Tensor'>;

/** ONNX Runtime as found on this machine. */
export interface OnnxRuntime {
  /** `native` is onnxruntime-node; `wasm` is onnxruntime-web, slower and single-threaded here. */
  readonly kind: 'native' | 'wasm';
  readonly ort: OrtModule;
}

/** Where a graph runs. */
export type Provider = 'cpu' | 'webgpu' | 'cuda';

/**
 * Loads onnxruntime-node, or onnxruntime-web where its native part is missing.
 *
 * @param prefer `wasm` skips the native package (for comparisons)
 * @throws ConfigError if neither can be loaded
 */
export async function loadOnnxRuntime(prefer: 'native' | 'wasm' = 'native'): Promise<OnnxRuntime> {
  if (prefer === 'native') {
    const native = await importNative();
    if (native) return { kind: 'native', ort: native };
  }
  try {
    const web = await import('onnxruntime-web');
    web.env.wasm.numThreads = 1;
    web.env.logLevel = 'error';
    return { kind: 'wasm', ort: web };
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

/** How sessions compute. */
export interface SessionOptions {
  readonly provider: Provider;
  /** Threads within an operation; 0: one a core. */
  readonly threads: number;
  /** Whether waiting threads spin. Costs other programs dearly on a loaded machine and gains nothing on a quiet one. */
  readonly spinning: boolean;
  /** Whether every session keeps the pages it touched for itself; without, all share those of the process's allocator. */
  readonly ownArena: boolean;
  /** Writes a Chrome trace to files with this prefix. */
  readonly profilePrefix?: string;
}

/** Settings that were measured to be right for this library's graphs. */
export const DEFAULT_SESSION_OPTIONS: SessionOptions = {
  provider: 'cpu',
  threads: 0,
  spinning: false,
  ownArena: !keepsPages(),
};

/**
 * Whether the process was started so that glibc's allocator keeps the pages it was given (a fresh one costs microseconds), as
 * {@link SessionOptions.ownArena} does for one session. Several sessions then need 30 to 50 % less memory without arenas of
 * their own, at the same speed; otherwise they would be 10 % slower.
 */
function keepsPages(): boolean {
  return process.env['GLIBC_TUNABLES']?.includes('glibc.malloc.trim_threshold=') ?? false;
}

/**
 * Opens a session.
 *
 * @throws ConfigError if the provider is missing, with the remedy
 */
export async function openSession(
  runtime: OnnxRuntime,
  model: Uint8Array,
  options: SessionOptions,
): Promise<Ort.InferenceSession> {
  if (runtime.kind === 'wasm' && options.provider !== 'cpu') {
    throw new ConfigError(
      `provider ${options.provider}: expected onnxruntime-node, got only onnxruntime-web`,
    );
  }
  try {
    return await runtime.ort.InferenceSession.create(model, {
      executionProviders: [runtime.kind === 'wasm' ? 'wasm' : options.provider],
      // ONNX Runtime's own choice was seen to be one thread on a machine with two cores.
      intraOpNumThreads: options.threads || availableParallelism(),
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      enableCpuMemArena: options.ownArena,
      // Patterns only raise the peak.
      enableMemPattern: false,
      logSeverityLevel: 3,
      ...(options.profilePrefix
        ? { enableProfiling: true, profileFilePrefix: options.profilePrefix }
        : {}),
      extra: { session: { intra_op: { allow_spinning: options.spinning ? '1' : '0' } } },
    });
  } catch (cause) {
    if (options.provider === 'cpu') throw cause;
    throw new ConfigError(
      `provider ${options.provider}: ${remedy(options.provider)} (${String(cause).split('\n')[0]})`,
      { cause },
    );
  }
}

function remedy(provider: Provider): string {
  switch (provider) {
    case 'cuda':
      return (
        'expected the CUDA libraries of ONNX Runtime (CUDA 12, cuDNN 9); install them with ' +
        'npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12, or use --provider cpu'
      );
    case 'webgpu':
      return 'expected a Vulkan, Metal or D3D12 adapter; install the graphics driver, or use --provider cpu';
    case 'cpu':
      return 'expected the CPU provider';
    default:
      return provider satisfies never;
  }
}
