import { WeightsFileError } from '../../core/errors.js';
import { assertPrintableName } from '../../core/printable.js';
import { numElements } from '../../core/shape.js';
import { RandomAccessFile } from '../files/random-access.js';
import type { TensorSource } from '../tensor.js';
import type { Archive } from '../torch/archive.js';
import { tensorOfArray } from '../torch/array.js';
import { PickleCursor } from '../torch/cursor.js';
import { flattenCheckpoint } from '../torch/flatten.js';
import { torchRules } from '../torch/rules.js';
import { storedTensors, type StorageReader } from '../torch/storage.js';
import { unpickle } from '../torch/unpickle.js';
import { emptyDict, type PickleValue } from '../torch/values.js';
import { MAX_HEADER_BYTES, readNpyHeader } from './header.js';

/** Limit of an array of objects, e.g. of a state dict that was given to `numpy.save`. */
const MAX_OBJECT_BYTES = 2 ** 28;

/** Access to the bytes of `.npy` files by name. */
interface ArrayBytes {
  sizeBytes(name: string): number;
  readRange(name: string, start: number, length: number): Promise<Uint8Array>;
}

/**
 * Reads the arrays of a `.npz` file by their names; a dict that was saved as an array of one object is read as such.
 *
 * @throws WeightsError if a header is damaged
 */
export async function numpyTensors(
  path: string,
  entries: readonly { readonly fileName: string }[],
  archive: Archive,
): Promise<Omit<TensorSource, 'close'>> {
  const root = emptyDict();
  const starts = new Map<string, number>();
  for (const { fileName } of entries) {
    const name = fileName.slice(0, -'.npy'.length);
    assertPrintableName(path, name);
    if (root.entries.has(name))
      throw WeightsFileError.in(path, `expected array "${name}" once, got it twice`);
    root.entries.set(name, await valueOf(path, fileName, archive, starts));
  }
  return { ...source(path, root, archive, starts), check: () => archive.check() };
}

/** Opens a `.npy` file: one array, or a dict that was saved as an array of one object. @throws WeightsError if it is damaged */
export async function openNpy(path: string): Promise<TensorSource> {
  const file = await RandomAccessFile.open(path);
  try {
    const bytes = {
      sizeBytes: () => file.sizeBytes,
      readRange: (_: string, start: number, length: number) => file.read(start, length),
    };
    const starts = new Map<string, number>();
    const root = await valueOf(path, 'array', bytes, starts);
    return { ...source(path, root, bytes, starts), close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** One array as a value of a pickle. */
async function valueOf(
  path: string,
  name: string,
  bytes: ArrayBytes,
  starts: Map<string, number>,
): Promise<PickleValue> {
  const size = bytes.sizeBytes(name);
  const head = await bytes.readRange(name, 0, Math.min(MAX_HEADER_BYTES, size));
  const { type, shape, isFortran, dataStart } = readNpyHeader(path, name, head);
  starts.set(name, dataStart);
  if (!type.endsWith('O')) {
    if (!Number.isSafeInteger(numElements(shape)))
      throw WeightsFileError.in(
        path,
        `${name}: expected the shape of an array, got too large a one`,
      );
    return tensorOfArray(type, shape, isFortran, { key: name });
  }
  if (size > MAX_OBJECT_BYTES)
    throw WeightsFileError.in(
      path,
      `${name}: expected objects of at most ${MAX_OBJECT_BYTES} bytes, got ${size}; save the arrays themselves (numpy.savez)`,
    );
  const pickle = await bytes.readRange(name, dataStart, size - dataStart);
  return unpickle(new PickleCursor(path, pickle), torchRules(path));
}

function source(
  path: string,
  root: PickleValue,
  bytes: ArrayBytes,
  starts: ReadonlyMap<string, number>,
): Omit<TensorSource, 'close'> {
  const { plain, ...found } = flattenCheckpoint(path, root);
  const startOf = (name: string): number => starts.get(name) ?? 0;
  const storages: StorageReader = {
    bigEndian: false,
    sizeBytes: (name) => bytes.sizeBytes(name) - startOf(name),
    read: (name, start, length) => bytes.readRange(name, startOf(name) + start, length),
  };
  return { file: path, container: 'numpy', tensors: storedTensors(path, found, storages), plain };
}
