import type * as Ort from 'onnxruntime-common';
import { EngineError } from '../../core/errors.js';

/** The JavaScript API common to both packages of ONNX Runtime. */
export type OrtModule = Pick<typeof Ort, 'InferenceSession' | 'Tensor'>;

/** ONNX Runtime on this machine. */
export interface OnnxRuntime {
  /**
   * `native` is onnxruntime-node; `wasm` is onnxruntime-web, slower and single-threaded here; `openvino` takes the place of
   * both for inference.
   */
  readonly kind: 'native' | 'wasm' | 'openvino';
  readonly ort: OrtModule;
  /** Whether onnxruntime-web has a GPU here: in a browser, with the build that knows WebGPU. */
  readonly hasGpu?: boolean | undefined;
  /** Number of threads of a session that asks for 0. */
  readonly numCores: number;
  /** Memory for the sessions of an engine, if that of the machine is known. */
  readonly sessionBytes?: number | undefined;
}

/** Names of {@link Provider}. */
export const PROVIDERS = ['cpu', 'webgpu', 'cuda', 'openvino'] as const;

/** Device that runs a graph, or another runtime for the CPU: `openvino`, for inference. */
export type Provider = (typeof PROVIDERS)[number];

/** Whether waiting threads spin. */
export type Spinning = boolean | 'briefly';

/** Time that waiting threads spin, in microseconds. Longer than 200 gains nothing. */
const SPIN_US = { briefly: 50, long: 200 } as const;

/** Options of sessions. */
export interface SessionOptions {
  readonly provider: Provider;
  /** Threads within an operation; 0: one per core. */
  readonly threads: number;
  /**
   * Whether threads that wait for the next operation spin. `briefly` saves most of the time that waking them takes, which
   * counts in small batches, and costs little where other programs need the cores; `true` spins for longer.
   */
  readonly spinning: Spinning;
  /** Whether every session keeps its memory pages in its own arena; otherwise all sessions use the process's allocator. */
  readonly ownArena: boolean;
  /** Writes a Chrome trace to files with this prefix. */
  readonly profilePrefix?: string | undefined;
  /**
   * Whether consecutive reshapes stay apart: ONNX Runtime cannot join those whose shapes are computed, and then does not open
   * the session.
   */
  readonly keepsReshapes?: boolean | undefined;
}

/** Settings measured to be best for this library's graphs. */
export const DEFAULT_SESSION_OPTIONS: SessionOptions = {
  provider: 'cpu',
  threads: 0,
  spinning: false,
  ownArena: !keepsPages(),
};

/**
 * Whether the process was started with settings that make glibc's allocator keep its pages (a new one costs
 * microseconds), as {@link SessionOptions.ownArena} does for one session. If so, several sessions without their own
 * arenas need 30 to 50 % less memory at the same speed; if not, they would be 10 % slower.
 */
function keepsPages(): boolean {
  const { process } = globalThis as { readonly process?: NodeJS.Process }; // none in a browser
  return process?.env['GLIBC_TUNABLES']?.includes('glibc.malloc.trim_threshold=') ?? false;
}

/**
 * Opens a session.
 *
 * @throws ConfigError with the remedy if the provider is missing
 */
export async function openSession(
  runtime: OnnxRuntime,
  model: Uint8Array,
  options: SessionOptions,
): Promise<Ort.InferenceSession> {
  const onGpu = runtime.hasGpu && options.provider === 'webgpu';
  if (runtime.kind === 'wasm' && options.provider !== 'cpu' && !onGpu) {
    throw new EngineError(
      `provider ${options.provider}: expected onnxruntime-node, got only onnxruntime-web`,
    );
  }
  try {
    return await runtime.ort.InferenceSession.create(model, {
      executionProviders: [runtime.kind === 'wasm' && !onGpu ? 'wasm' : options.provider],
      // ONNX Runtime's default was one thread on a machine with two cores.
      intraOpNumThreads: options.threads || runtime.numCores,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      enableCpuMemArena: options.ownArena,
      // Memory patterns only raise the peak.
      enableMemPattern: false,
      logSeverityLevel: 3,
      ...(options.profilePrefix
        ? { enableProfiling: true, profileFilePrefix: options.profilePrefix }
        : {}),
      extra: {
        session: spinSettings(options.spinning),
        ...(options.keepsReshapes
          ? { optimization: { disable_specified_optimizers: 'ReshapeFusion' } }
          : {}),
      },
    });
  } catch (cause) {
    if (options.provider === 'cpu') throw cause;
    throw new EngineError(
      `provider ${options.provider}: ${remedy(options.provider)} (${String(cause).split('\n')[0]})`,
      { cause },
    );
  }
}

/** ONNX Runtime's settings; no thread spins between runs. */
function spinSettings(spinning: Spinning): Record<string, unknown> {
  if (spinning === false) return { intra_op: { allow_spinning: '0' } };
  const duration = spinning === 'briefly' ? SPIN_US.briefly : SPIN_US.long;
  return {
    force_spinning_stop: '1',
    intra_op: { allow_spinning: '1', spin_duration_us: `${duration}` },
  };
}

function remedy(provider: Provider): string {
  switch (provider) {
    case 'cuda':
      return (
        'expected the CUDA libraries of ONNX Runtime (CUDA 12, cuDNN 9); install them with ' +
        'ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node, or use --provider cpu'
      );
    case 'webgpu':
      return 'expected a Vulkan, Metal or D3D12 adapter; install the graphics driver, or use --provider cpu';
    case 'openvino':
      return 'expected a network that OpenVINO can run; use --provider cpu';
    case 'cpu':
      return 'expected the CPU provider';
    default:
      return provider satisfies never;
  }
}
