import { WeightsFileError } from '../core/errors.js';
import { numElements } from '../core/shape.js';
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float8E4M3ToFloat32,
  float8E5M2ToFloat32,
} from '../core/half.js';

/**
 * Common representation of weight files: named tensors that are read lazily. Shapes and axis order are PyTorch's until
 * {@link file://../weights/layout.ts} converts them to this library's.
 */

/** Arrays with the bytes of the element types of weight files, which have their safetensors names. */
const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  F8_E4M3: Uint8Array,
  F8_E5M2: Uint8Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};

/** Element type of a tensor in a weight file. */
export type DType = keyof typeof ARRAYS;

/** Size of one element in a file. */
export const BYTES_PER_ELEMENT = Object.fromEntries(
  Object.entries(ARRAYS).map(([dtype, { BYTES_PER_ELEMENT: bytes }]) => [dtype, bytes]),
) as Readonly<Record<DType, number>>;

/** Values in memory: floats of 16 and 8 bits are widened to float32, BOOL is 0 or 1 in a `Uint8Array`. */
export type TensorValues =
  Float64Array | Float32Array | BigInt64Array | Int32Array | Int16Array | Int8Array | Uint8Array;

/** One tensor of a file; nothing is read before {@link LazyTensor.read}. */
export interface LazyTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Type of a tensor that cannot be read (complex, quantized, sparse); `dtype` then has no meaning. */
  readonly unreadable?: string | undefined;
  /** The tensor as the file has it, if this one has its axes in another order; `layout` names the order of the file's. */
  readonly stored?: StoredTensor | undefined;
  /**
   * Reads the values, contiguous, last axis fastest. The array is new and belongs to the caller, or is a view of `room`.
   *
   * @param room memory that the values may be read into, if it is large enough; containers may ignore it
   */
  read(room?: Uint8Array<ArrayBuffer>): Promise<TensorValues>;
}

/** A tensor in another order of axes than PyTorch's, see {@link file://../weights/layout.ts}. */
interface StoredTensor {
  readonly layout: string;
  readonly tensor: LazyTensor;
}

/** Tensors by name, in file order. */
export type TensorMap = ReadonlyMap<string, LazyTensor>;

/** Container of a weight file, as detected by {@link file://../weights/open.ts}. */
export type Container = 'safetensors' | 'torch-zip' | 'torch-legacy' | 'numpy' | 'pickle';

/**
 * An open weight file. Nested dictionaries of torch checkpoints are flattened with dots (`model.head.weight`); other
 * values (epoch, args, metadata) are in `plain`.
 */
export interface TensorSource {
  readonly file: string;
  readonly container: Container;
  readonly tensors: TensorMap;
  readonly plain: Readonly<Record<string, unknown>>;
  /** Files of a model in pieces. */
  readonly pieces?: readonly string[] | undefined;
  /** Compares the checksums that the container holds, if it holds any. @throws WeightsError if one differs */
  check?(): Promise<void>;
  close(): Promise<void>;
}

/** Tensor in a file. */
export interface TensorPlace {
  readonly file: string;
  readonly name: string;
}

/** Number of bytes that a tensor takes in a file. */
export function numBytes(dtype: DType, shape: readonly number[]): number {
  return numElements(shape) * BYTES_PER_ELEMENT[dtype];
}

/**
 * Converts little-endian bytes to values.
 *
 * @param bytes start at a multiple of 8 in their buffer, length a multiple of the element size
 * @param of for messages
 * @throws WeightsError for a BOOL that is neither 0 nor 1
 */
export function decodeValues(dtype: DType, bytes: Uint8Array, of: TensorPlace): TensorValues {
  const { byteOffset, byteLength } = bytes;
  const buffer = bytes.buffer as ArrayBuffer;
  const values = new ARRAYS[dtype](buffer, byteOffset, byteLength / BYTES_PER_ELEMENT[dtype]);
  if (dtype === 'BOOL') {
    const wrong = (values as Uint8Array).find((value) => value > 1);
    if (wrong !== undefined)
      throw WeightsFileError.in(
        of.file,
        `tensor "${of.name}": expected 0 or 1 in BOOL, got ${wrong}`,
        {
          id: of.name,
        },
      );
  }
  if (dtype === 'F8_E4M3') return float8E4M3ToFloat32(values as Uint8Array);
  if (dtype === 'F8_E5M2') return float8E5M2ToFloat32(values as Uint8Array);
  if (!(values instanceof Uint16Array)) return values;
  return dtype === 'F16' ? float16ToFloat32(values) : bfloat16ToFloat32(values);
}

/** Converts values to float32: doubles are rounded, integers converted, float32 is returned unchanged. */
export function toFloat32(values: TensorValues): Float32Array {
  if (values instanceof Float32Array) return values;
  if (values instanceof BigInt64Array) return Float32Array.from(values, Number);
  return new Float32Array(values);
}

/** Creates a tensor that is computed from another when it is read. */
export function derivedTensor(
  from: LazyTensor,
  shape: readonly number[],
  compute: (values: TensorValues) => TensorValues,
): LazyTensor {
  return { dtype: from.dtype, shape, read: async (room) => compute(await from.read(room)) };
}

/** Creates a tensor of the same values with another shape of equal size. */
export function reshaped(from: LazyTensor, shape: readonly number[]): LazyTensor {
  return { dtype: from.dtype, shape, read: (room) => from.read(room) };
}

/** Wraps values in memory as a tensor; `read` returns a copy. */
export function tensorOf(values: Float32Array, shape: readonly number[]): LazyTensor {
  return { dtype: 'F32', shape, read: () => Promise.resolve(values.slice()) };
}
