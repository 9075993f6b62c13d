import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { WeightsError, WeightsFileError } from '../../core/errors.js';
import { RandomAccessFile } from '../files/random-access.js';
import { printable } from '../../core/printable.js';
import type { TensorSource } from '../tensor.js';
import { Archive, damaged, STORED, UNCOMPRESSED, invalid } from './archive.js';
import { PickleCursor } from './cursor.js';
import { flattenCheckpoint } from './flatten.js';
import { torchRules } from './rules.js';
import { storedTensors } from './storage.js';
import { unpickle } from './unpickle.js';
import { assertZipEnd } from './zip-end.js';
import { numpyTensors } from '../numpy/npz.js';

/** Limit of the pickle's size; that of the largest training checkpoint is below 1 MB, but arrays of NumPy are part of it. */
const MAX_PICKLE_BYTES = 2 ** 28;
/** The same for compressed ones, which may be of any size in a small file. */
const MAX_DEFLATED_PICKLE_BYTES = 2 ** 26;
const MAX_ENTRIES = 200_000;
/** Smallest header of a record before its bytes. */
const RECORD_HEADER_BYTES = 30;
/** Sum of the sizes that compressed records inflate to: what a second or two take, or this many times the archive. */
const MIN_INFLATED_BYTES = 2 ** 30;
const MAX_RATIO = 64;

/**
 * Opens a torch zip file (PyTorch ≥ 1.6), also of a TorchScript program, or an archive of NumPy arrays (`.npz`): reads the
 * pickle or the headers; storages are read by ranges later.
 *
 * @throws WeightsError if the archive is damaged, is not a torch file, or contains anything but data
 */
export async function openTorchZip(path: string): Promise<TensorSource> {
  const file = await RandomAccessFile.open(path);
  let zip: ZipFile | undefined;
  const close = async (): Promise<void> => {
    zip?.close();
    await file.close();
  };
  try {
    const numEntries = await assertZipEnd(file);
    if (numEntries > MAX_ENTRIES)
      throw WeightsFileError.in(path, `expected at most ${MAX_ENTRIES} records, got ${numEntries}`);
    zip = await openPromise(path, { lazyEntries: true, autoClose: false });
    const all = await listEntries(path, zip);
    if (all.length > 0 && all.every(({ fileName }) => fileName.endsWith('.npy')))
      return { ...(await numpyTensors(path, all, new Archive(file, zip, byName(all)))), close };
    const entries = torchEntries(path, all);
    const archive = new Archive(file, zip, entries);
    // Tensors of a program are attributes of its modules, whose names are those of the state dict, unless it is frozen.
    if (entries.has('constants.pkl') && !entries.has('data/0') && entries.has('constants/0'))
      throw WeightsFileError.in(
        path,
        `expected tensors with names, got a frozen TorchScript program, which has none (save the model's state_dict() instead)`,
      );
    const pickle = await archive.readWhole('data.pkl', {
      stored: MAX_PICKLE_BYTES,
      deflated: MAX_DEFLATED_PICKLE_BYTES,
    });
    const cursor = new PickleCursor(path, pickle);
    const value = unpickle(cursor, torchRules(path));
    const { tensors, unreadable, plain } = flattenCheckpoint(path, value);
    const storages = archive.storages(await archive.isBigEndian());
    return {
      file: path,
      container: 'torch-zip',
      tensors: storedTensors(path, { tensors, unreadable }, storages),
      plain,
      check: () => archive.check(),
      close,
    };
  } catch (error) {
    await close();
    throw error instanceof WeightsError ? error : damaged(path, error);
  }
}

/** All entries. Records that overlap, or inflate to far more than they are, would take hours to read. */
async function listEntries(path: string, zip: ZipFile): Promise<readonly Entry[]> {
  const all: Entry[] = [];
  const maxInflated = Math.max(MIN_INFLATED_BYTES, MAX_RATIO * zip.fileSize);
  let [stored, inflated] = [0, 0];
  for await (const entry of zip.eachEntry()) {
    // Sizes and offsets of the long form are unchecked, and an offset beyond 2⁵³ would end the process.
    if (!(entry.relativeOffsetOfLocalHeader + entry.compressedSize <= zip.fileSize))
      throw invalid(path, `record "${printable(entry.fileName)}" outside of it`);
    const { compressedSize, uncompressedSize, compressionMethod } = entry;
    const isStored = compressionMethod === STORED;
    stored += RECORD_HEADER_BYTES + (isStored ? uncompressedSize : compressedSize);
    if (!isStored) inflated += uncompressedSize;
    if (stored > zip.fileSize) throw invalid(path, 'records that overlap');
    if (inflated > maxInflated)
      throw WeightsFileError.in(
        path,
        `expected compressed records of at most ${maxInflated} bytes together, got more${UNCOMPRESSED}`,
      );
    all.push(entry);
  }
  return all;
}

const byName = (all: readonly Entry[]): ReadonlyMap<string, Entry> =>
  new Map(all.map((entry) => [entry.fileName, entry]));

/** Entries by name, without their common folder (`archive/data.pkl` → `data.pkl`). */
function torchEntries(path: string, all: readonly Entry[]): ReadonlyMap<string, Entry> {
  const pickles = all.filter(({ fileName }) => /^[^/]+\/data\.pkl$/.test(fileName));
  if (pickles.length !== 1) {
    const seen = all.slice(0, 3).map(({ fileName }) => fileName);
    throw WeightsFileError.in(
      path,
      `expected a torch archive with one NAME/data.pkl, got a zip of [${printable(seen.join(', '))}…]${remedyOf(all)}`,
    );
  }
  const folder = pickles[0].fileName.slice(0, -'data.pkl'.length);
  const entries = new Map<string, Entry>();
  for (const entry of all) {
    if (!entry.fileName.startsWith(folder)) continue;
    const name = entry.fileName.slice(folder.length);
    if (entries.has(name)) {
      throw WeightsFileError.in(path, `expected record "${printable(name)}" once, got it twice`);
    }
    entries.set(name, entry);
  }
  return entries;
}

/** Remedy for an archive that is no torch file: one of a program, or with weight files in it. */
function remedyOf(all: readonly Entry[]): string {
  const names = all.map(({ fileName }) => fileName);
  if (names.some((name) => /(^|\/)models\/model\.json$/.test(name)))
    return ` (a program of torch.export; save the model's state_dict() instead)`;
  const isWeights = (name: string): boolean => /\.(pth?|safetensors|bin|ckpt|npz|zip)$/.test(name);
  return names.some(isWeights)
    ? ' (unpack it first)'
    : ' (save the weights with torch.save or numpy.savez)';
}
