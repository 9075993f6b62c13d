import { WeightsFileError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { numElements } from '../../core/shape.js';
import { BYTES_PER_ELEMENT, decodeValues, type LazyTensor, type TensorMap } from '../tensor.js';
import type { PickleTensor, UnreadableTensor } from './values.js';
import { gather, isContiguous, viewExtent } from './views.js';

/** Access to the storages of a file. */
export interface StorageReader {
  /** Number of bytes of the storage stored under `key`. @throws WeightsError if there is none */
  sizeBytes(key: string): number;
  /** Reads its bytes `[start, start + length)` into a new buffer. */
  read(key: string, start: number, length: number): Promise<Uint8Array>;
  readonly bigEndian: boolean;
}

/** Limit for views that repeat elements (`expand`), so that a small file cannot fill the memory. */
const MAX_EXPANDED_ELEMENTS = 2 ** 24;

/**
 * Creates a tensor that reads only the range of its storage that the view covers.
 *
 * @throws WeightsError immediately if the view exceeds its storage
 */
export function storedTensor(
  file: string,
  name: string,
  tensor: PickleTensor,
  storages: StorageReader,
): LazyTensor {
  const { storage, dtype, shape, strides } = tensor;
  const fail = (message: string): never => {
    throw WeightsFileError.in(file, `tensor "${name}": ${message}`, { id: name });
  };
  const width = BYTES_PER_ELEMENT[dtype];
  // Untyped storages are measured in bytes, storage views in elements of their storage.
  const unit = storage.elementBytes;
  const [startBytes, lengthBytes] = [storage.start * unit, storage.length * unit];
  const [start, end] = viewExtent(tensor.offset, shape, strides);
  if (end * width > lengthBytes) {
    fail(`expected a view within ${lengthBytes} bytes, got one up to byte ${end * width}`);
  }
  const { bytes: inside } = storage;
  const available = inside ? inside.byteLength : storages.sizeBytes(storage.key);
  if (startBytes + lengthBytes > available) {
    fail(`expected a storage of ${startBytes + lengthBytes} bytes, got ${available}`);
  }
  const count = numElements(shape);
  if (count > Math.max(end - start, MAX_EXPANDED_ELEMENTS)) {
    fail(`expected at most ${end - start} elements from its storage, got ${count}`);
  }
  const read = async () => {
    const [from, length] = [startBytes + start * width, (end - start) * width];
    const bytes = inside
      ? inside.slice(from, from + length)
      : await storages.read(storage.key, from, length);
    if (storage.bigEndian ?? storages.bigEndian) swapBytes(bytes, width);
    const values = decodeValues(dtype, bytes, { file, name });
    return isContiguous(shape, strides) ? values : gather(values, shape, strides);
  };
  return { dtype, shape, read };
}

/** Reverses the bytes of every element in place. */
function swapBytes(bytes: Uint8Array, width: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (width === 2) buffer.swap16();
  if (width === 4) buffer.swap32();
  if (width === 8) buffer.swap64();
}

/** Creates all tensors of a file; unreadable ones fail when they are read. @throws WeightsError as {@link storedTensor} */
export function storedTensors(
  file: string,
  found: {
    readonly tensors: ReadonlyMap<string, PickleTensor>;
    readonly unreadable: ReadonlyMap<string, UnreadableTensor>;
  },
  storages: StorageReader,
): TensorMap {
  const map = new Map<string, LazyTensor>();
  for (const [name, tensor] of found.tensors)
    map.set(name, storedTensor(file, name, tensor, storages));
  for (const [name, { type, shape }] of found.unreadable) {
    const text = `tensor "${name}": expected real numbers in a dense tensor, got ${printable(type)} (save it as one: .dense(), .float())`;
    const read = () => Promise.reject(WeightsFileError.in(file, text, { id: name }));
    map.set(name, { dtype: 'U8', unreadable: printable(type), shape, read });
  }
  return map;
}
