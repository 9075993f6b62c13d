import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { WeightsError } from '../../core/errors.js';
import { RandomAccessFile } from '../files/random-access.js';
import { printable } from '../../core/printable.js';
import type { TensorSource } from '../tensor.js';
import { PickleCursor } from './cursor.js';
import { flattenCheckpoint } from './flatten.js';
import { torchRules } from './rules.js';
import { storedTensor, type StorageReader } from './storage.js';
import { unpickle } from './unpickle.js';
import { assertZipEnd } from './zip-end.js';

/** Limit of the pickle's size; that of the largest training checkpoint is below 1 MB. */
const MAX_PICKLE_BYTES = 2 ** 26;
/** Limit of the inflated size of compressed records in repacked files; torch stores tensors uncompressed. */
const MAX_INFLATED_BYTES = 2 ** 28;
const MAX_ENTRIES = 200_000;
const STORED = 0;
const DEFLATED = 8;

/**
 * Opens a torch zip file (PyTorch ≥ 1.6): reads the pickle; storages are read by ranges later.
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
      throw WeightsError.in(path, `expected at most ${MAX_ENTRIES} records, got ${numEntries}`);
    zip = await openPromise(path, { lazyEntries: true, autoClose: false });
    const archive = new Archive(file, zip, await listEntries(path, zip));
    const pickle = await archive.readWhole('data.pkl', MAX_PICKLE_BYTES);
    const cursor = new PickleCursor(path, pickle);
    const { tensors, plain } = flattenCheckpoint(path, unpickle(cursor, torchRules(path)));
    const storages = archive.storages(await archive.isBigEndian());
    return {
      file: path,
      container: 'torch-zip',
      tensors: new Map(
        [...tensors].map(([name, tensor]) => [name, storedTensor(path, name, tensor, storages)]),
      ),
      plain,
      close,
    };
  } catch (error) {
    await close();
    throw error instanceof WeightsError ? error : damaged(path, error);
  }
}

/** Entries by name, without their common folder (`archive/data.pkl` → `data.pkl`). */
async function listEntries(path: string, zip: ZipFile): Promise<ReadonlyMap<string, Entry>> {
  const all: Entry[] = [];
  for await (const entry of zip.eachEntry()) {
    // Sizes and offsets of the long form are unchecked, and an offset beyond 2⁵³ would end the process.
    if (!(entry.relativeOffsetOfLocalHeader + entry.compressedSize <= zip.fileSize))
      throw WeightsError.in(
        path,
        `expected a sound zip archive, got record "${printable(entry.fileName)}" outside of it`,
      );
    all.push(entry);
  }
  const pickles = all.filter(({ fileName }) => /^[^/]+\/data\.pkl$/.test(fileName));
  if (pickles.length !== 1) {
    const seen = all.slice(0, 3).map(({ fileName }) => fileName);
    throw WeightsError.in(
      path,
      `expected a torch archive with one NAME/data.pkl, got a zip of [${printable(seen.join(', '))}…]`,
    );
  }
  const folder = pickles[0].fileName.slice(0, -'data.pkl'.length);
  const entries = new Map<string, Entry>();
  for (const entry of all) {
    if (!entry.fileName.startsWith(folder)) continue;
    const name = entry.fileName.slice(folder.length);
    if (entries.has(name)) {
      throw WeightsError.in(path, `expected record "${printable(name)}" once, got it twice`);
    }
    entries.set(name, entry);
  }
  if (entries.has('constants.pkl')) {
    throw WeightsError.in(
      path,
      `expected a checkpoint, got a TorchScript program (save the model's state_dict() instead)`,
    );
  }
  return entries;
}

function damaged(path: string, cause: unknown): WeightsError {
  const reason = printable(cause instanceof Error ? cause.message : String(cause));
  return WeightsError.in(path, `expected a sound zip archive, got one where ${reason}`, { cause });
}

/** Records of an open archive. */
class Archive {
  constructor(
    private readonly file: RandomAccessFile,
    private readonly zip: ZipFile,
    private readonly entries: ReadonlyMap<string, Entry>,
  ) {}

  private fail(message: string): never {
    throw WeightsError.in(this.file.path, message);
  }

  private entry(name: string): Entry {
    const entry = this.entries.get(name) ?? this.fail(`expected record "${name}", got none`);
    if (entry.isEncrypted() || ![STORED, DEFLATED].includes(entry.compressionMethod)) {
      this.fail(`expected record "${name}" to be stored or deflated, got another method`);
    }
    return entry;
  }

  async isBigEndian(): Promise<boolean> {
    if (!this.entries.has('byteorder')) return false; // written before PyTorch 2.1
    const order = new TextDecoder().decode(await this.readWhole('byteorder', 64));
    if (order !== 'little' && order !== 'big')
      this.fail(`expected byte order little or big, got "${order}"`);
    return order === 'big';
  }

  async readWhole(name: string, maxBytes: number): Promise<Uint8Array> {
    const { uncompressedSize } = this.entry(name);
    if (uncompressedSize > maxBytes) {
      this.fail(
        `expected record "${name}" to take at most ${maxBytes} bytes, got ${uncompressedSize}`,
      );
    }
    return this.read(name, 0, uncompressedSize);
  }

  storages(bigEndian: boolean): StorageReader {
    return {
      bigEndian,
      sizeBytes: (key) => this.entry(`data/${key}`).uncompressedSize,
      read: (key, start, length) => this.read(`data/${key}`, start, length),
    };
  }

  private async read(name: string, start: number, length: number): Promise<Uint8Array> {
    const entry = this.entry(name);
    if (entry.compressionMethod === STORED) {
      const { fileDataStart } = await this.zip
        .readLocalFileHeaderPromise(entry, { minimal: true })
        .catch((cause: unknown) => {
          throw damaged(this.file.path, cause);
        });
      return this.file.read(fileDataStart + start, length);
    }
    if (entry.uncompressedSize > MAX_INFLATED_BYTES) {
      this.fail(
        `expected compressed record "${name}" to hold at most ${MAX_INFLATED_BYTES} bytes, got ${entry.uncompressedSize}`,
      );
    }
    const inflated = new Uint8Array(entry.uncompressedSize);
    try {
      // yauzl ends the stream with an error if the number of bytes differs from that of the entry.
      const stream = await this.zip.openReadStreamPromise(entry);
      let position = 0;
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        inflated.set(chunk, position);
        position += chunk.byteLength;
      }
    } catch (cause) {
      throw damaged(this.file.path, cause);
    }
    return inflated.slice(start, start + length);
  }
}
