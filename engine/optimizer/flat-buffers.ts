import { ConfigError } from '../../core/errors.js';
import { Kernels, MAX_MEMORY_BYTES, STAGING_BYTES } from './kernels.js';

/** Arrays of a training run besides parameters and gradients. */
interface FlatBufferOptions {
  /** Number of moments of the optimizer: AdamW 2, SGD 1. */
  readonly moments: 0 | 1 | 2;
  /** Exponential moving average (EMA) of the parameters. */
  readonly ema?: boolean | undefined;
  /** Second gradient array, for accumulation over micro-batches. */
  readonly microGradients?: boolean | undefined;
  /** Largest total number of bytes for which the arrays share a WebAssembly memory. Default: the 32-bit address space. */
  readonly maxMemoryBytes?: number | undefined;
}

/**
 * Flat arrays of a training run; each holds the values of all parameters in order of their paths. If they fit, the arrays
 * are views of one WebAssembly memory, in which the optimizer and the sessions work in place. Never post such a view to a
 * worker: the whole memory would be copied.
 */
export interface FlatBuffers {
  /** Number of parameters `n`. */
  readonly size: number;
  /** `[n]`. */
  readonly parameters: Float32Array;
  /** `[n]`: gradients averaged over the batch, the input of the optimizer. */
  readonly gradients: Float32Array;
  /** `[n]`: output of the backward pass if gradients are accumulated. */
  readonly microGradients?: Float32Array | undefined;
  /** `[n]` each: first and second moment (AdamW), momentum (SGD). */
  readonly moments: readonly Float32Array[];
  /** `[n]`. */
  readonly ema?: Float32Array | undefined;
  readonly kernels: Kernels;
}

const PAGE_BYTES = 65536;

/**
 * Allocates zeroed arrays for `size` parameters.
 *
 * @throws ConfigError if `size` is not a whole number
 */
export function createFlatBuffers(size: number, options: FlatBufferOptions): FlatBuffers {
  if (!Number.isInteger(size) || size < 0) {
    throw new ConfigError(`createFlatBuffers: expected a number of parameters, got ${size}`);
  }
  const { moments, ema = false, microGradients = false } = options;
  const numArrays = 2 + moments + Number(ema) + Number(microGradients);
  // Each array starts at a multiple of 64 bytes, a cache line.
  const arrayBytes = Math.ceil((size * Float32Array.BYTES_PER_ELEMENT) / 64) * 64;
  const allBytes = STAGING_BYTES + numArrays * arrayBytes;
  const limit = Math.min(options.maxMemoryBytes ?? MAX_MEMORY_BYTES, MAX_MEMORY_BYTES);
  const shared = allBytes <= limit ? allocateMemory(allBytes) : undefined;
  const memory = shared ?? allocateMemory(STAGING_BYTES);
  if (memory === undefined) {
    throw new ConfigError(
      'createFlatBuffers: expected room for a WebAssembly memory, got none (address space limited, e.g. by ulimit -v?)',
    );
  }
  const arrays = Array.from({ length: numArrays }, (_, index) =>
    shared
      ? new Float32Array(shared.buffer, STAGING_BYTES + index * arrayBytes, size)
      : new Float32Array(size),
  );
  const [parameters, gradients, ...rest] = arrays;
  return {
    size,
    parameters,
    gradients,
    moments: rest.slice(0, moments),
    ema: ema ? rest[moments] : undefined,
    microGradients: microGradients ? rest[moments + Number(ema)] : undefined,
    kernels: new Kernels(memory),
  };
}

function allocateMemory(bytes: number): WebAssembly.Memory | undefined {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  try {
    // The maximum equals the initial size: growing would detach every view.
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
