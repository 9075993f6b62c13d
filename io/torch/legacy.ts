import { WeightsFileError } from '../../core/errors.js';
import { RandomAccessFile } from '../files/random-access.js';
import { printable } from '../../core/printable.js';
import type { TensorSource } from '../tensor.js';
import { PickleCursor, TruncatedPickle } from './cursor.js';
import { flattenCheckpoint } from './flatten.js';
import { torchRules } from './rules.js';
import { storedTensors, type StorageReader } from './storage.js';
import { unpickle } from './unpickle.js';
import { isKind, type PickleStorage, type PickleValue } from './values.js';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
const FIRST_WINDOW_BYTES = 2 ** 20;
/** Arrays of NumPy are part of the pickle. */
const MAX_PICKLE_BYTES = 2 ** 28;

/**
 * Opens a legacy torch file (before PyTorch 1.6, or with `_use_new_zipfile_serialization=False`): pickles of magic
 * number, protocol, system, checkpoint and storage keys, then each storage as a count and its elements. Also opens a pickle
 * of NumPy arrays, which Python writes without torch.
 *
 * Elements are always little-endian; the writer converts them.
 *
 * @throws WeightsError if the file is truncated, is not a torch file, or contains anything but data
 * @see https://github.com/pytorch/pytorch/blob/v1.5.0/torch/serialization.py
 */
export async function openTorchLegacy(path: string): Promise<TensorSource> {
  const file = await RandomAccessFile.open(path);
  try {
    const head = await readPickles(file);
    const { tensors, unreadable, plain } = flattenCheckpoint(path, head.checkpoint);
    if (head.isPlain && tensors.size === 0) throw WeightsFileError.in(path, OTHER_PICKLE);
    const storages = await locateStorages(file, head);
    return {
      file: path,
      container: head.isPlain ? 'pickle' : 'torch-legacy',
      tensors: storedTensors(path, { tensors, unreadable }, storages),
      plain,
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

const OTHER_PICKLE =
  'expected a torch file, got a pickle of another kind (torch.save writes what is read here)';

/** The pickles at the beginning of the file. */
interface LegacyHead {
  readonly checkpoint: PickleValue;
  readonly storages: ReadonlyMap<string, PickleStorage>;
  readonly keys: readonly string[];
  /** Offset of the first storage. */
  readonly end: number;
  /** Whether the file is a pickle alone, not torch's. */
  readonly isPlain?: boolean | undefined;
}

/** The length of the pickles is not stored: a window from the start grows until they fit. */
async function readPickles(file: RandomAccessFile): Promise<LegacyHead> {
  const limit = Math.min(file.sizeBytes, MAX_PICKLE_BYTES);
  for (let window = Math.min(FIRST_WINDOW_BYTES, limit); ; window = Math.min(window * 4, limit)) {
    try {
      return parsePickles(file.path, await file.read(0, window));
    } catch (error) {
      if (!(error instanceof TruncatedPickle) || window === limit) throw error;
    }
  }
}

function parsePickles(path: string, bytes: Uint8Array): LegacyHead {
  const fail = (message: string): never => {
    throw WeightsFileError.in(path, `${printable(message)}`);
  };
  const cursor = new PickleCursor(path, bytes);
  const rules = torchRules(path);
  const storages = new Map<string, PickleStorage>();
  const next = (): PickleValue =>
    unpickle(cursor, {
      ...rules,
      persistent(id) {
        const storage = rules.persistent(id);
        if (isKind(storage, 'storage')) note(storage, id);
        return storage;
      },
    });
  /** For storage views, the fifth field is the length of the whole storage, which is what the file contains. */
  const note = (storage: PickleStorage, id: PickleValue): void => {
    const whole = isKind(id, 'tuple') ? id.items[4] : undefined;
    const length = typeof whole === 'number' ? whole : storage.length;
    const known = storages.get(storage.key);
    if (known && (known.length !== length || known.elementBytes !== storage.elementBytes)) {
      fail(`expected one description of storage ${storage.key}, got two`);
    }
    storages.set(storage.key, { ...storage, start: 0, length });
  };
  const magic = next();
  if (magic !== MAGIC) {
    if (!isKind(magic, 'dict') || storages.size > 0) fail(OTHER_PICKLE);
    // A dict of NumPy arrays, as Python's own pickle writes it.
    return { checkpoint: magic, storages, keys: [], end: cursor.position, isPlain: true };
  }
  const protocol = next();
  if (protocol !== PROTOCOL) fail(`expected torch protocol ${PROTOCOL}, got ${String(protocol)}`);
  next(); // the writer's system; see the note on byte order above
  const checkpoint = next();
  const keys = next();
  if (!isKind(keys, 'list') || !keys.items.every((key) => typeof key === 'string')) {
    return fail('expected the list of storage keys behind the checkpoint');
  }
  return { checkpoint, storages, keys: keys.items, end: cursor.position };
}

async function locateStorages(file: RandomAccessFile, head: LegacyHead): Promise<StorageReader> {
  const fail = (message: string): never => {
    throw WeightsFileError.in(file.path, `${printable(message)}`);
  };
  const places = new Map<string, readonly [start: number, bytes: number]>();
  let position = head.end;
  for (const key of head.keys) {
    const storage = head.storages.get(key);
    if (storage === undefined) return fail(`expected storage ${key} to be used by a tensor`);
    if (places.has(key)) return fail(`expected storage ${key} once, got it twice`);
    const prefix = await file.read(position, 8);
    const count = new DataView(prefix.buffer).getBigUint64(0, true);
    if (count !== BigInt(storage.length)) {
      fail(`expected ${storage.length} elements in storage ${key}, got ${count}`);
    }
    const bytes = storage.length * storage.elementBytes;
    if (position + 8 + bytes > file.sizeBytes) {
      fail(
        `expected storage ${key} to end at byte ${position + 8 + bytes}, got a file of ${file.sizeBytes} (truncated)`,
      );
    }
    places.set(key, [position + 8, bytes]);
    position += 8 + bytes;
  }
  const place = (key: string): readonly [start: number, bytes: number] =>
    places.get(key) ?? fail(`expected storage ${key} in the file, got none`);
  return {
    bigEndian: false,
    sizeBytes: (key) => place(key)[1],
    read: (key, start, length) => file.read(place(key)[0] + start, length),
  };
}
