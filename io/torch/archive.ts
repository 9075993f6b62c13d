import type { Entry, ZipFile } from 'yauzl';
import { type WeightsError, WeightsFileError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { crc32 } from '../crc32.js';
import type { RandomAccessFile } from '../files/random-access.js';
import type { StorageReader } from './storage.js';

/** Limit of the inflated size of compressed records in repacked files; torch stores tensors uncompressed. */
const MAX_INFLATED_BYTES = 2 ** 28;
/** Method of a record that is not compressed. */
export const STORED = 0;
const DEFLATED = 8;
/** Remedy for what is compressed more than weights can be. */
export const UNCOMPRESSED = ' (save it anew without compression: torch.save, numpy.savez)';
/** Bytes read at a time when a whole record is only checked. */
const CHECKED_BYTES = 2 ** 24;

/** Error for an archive that its writer cannot have made. */
export function invalid(path: string, got: string, cause?: unknown): WeightsError {
  return WeightsFileError.in(
    path,
    `expected a valid zip archive, got ${got} (fetch the file again, or save it anew with torch.save or numpy.savez)`,
    { cause },
  );
}

/** Wraps the error of a zip reader. */
export function damaged(path: string, cause: unknown): WeightsError {
  const reason = printable(cause instanceof Error ? cause.message : String(cause));
  return invalid(path, `one where ${reason}`, cause);
}

/**
 * Records of an open torch archive. The CRC-32 of a record is compared when it is first read; 0 means that the writer
 * left it out.
 */
export class Archive {
  private readonly verified = new Set<Entry>();
  private readonly checking = new Map<Entry, Promise<void>>();
  private last: { readonly entry: Entry; readonly bytes: Promise<Uint8Array> } | undefined;

  /** @param entries by name, without their common folder */
  constructor(
    private readonly file: RandomAccessFile,
    private readonly zip: ZipFile,
    private readonly entries: ReadonlyMap<string, Entry>,
  ) {}

  private fail(message: string): never {
    throw WeightsFileError.in(this.file.path, message);
  }

  private entry(name: string): Entry {
    const entry = this.entries.get(name) ?? this.fail(`expected record "${name}", got none`);
    const isKnown = [STORED, DEFLATED].includes(entry.compressionMethod);
    if (entry.isEncrypted() || !isKnown)
      this.fail(
        `expected record "${name}" to be stored or deflated, got ${isKnown ? 'an encrypted one' : `method ${entry.compressionMethod}`} (unpack the archive, and save its weights with torch.save or numpy.savez)`,
      );
    return entry;
  }

  /** Whether elements are big-endian. */
  async isBigEndian(): Promise<boolean> {
    if (!this.entries.has('byteorder')) return false; // written before PyTorch 2.1
    const order = new TextDecoder().decode(
      await this.readWhole('byteorder', { stored: 64, deflated: 64 }),
    );
    if (order !== 'little' && order !== 'big')
      this.fail(`expected byte order little or big, got "${order}"`);
    return order === 'big';
  }

  /** Reads a record. @throws WeightsError if it is larger than the limit for its kind, or damaged */
  async readWhole(
    name: string,
    limits: { readonly stored: number; readonly deflated: number },
  ): Promise<Uint8Array> {
    const { uncompressedSize, compressionMethod } = this.entry(name);
    const maxBytes = compressionMethod === DEFLATED ? limits.deflated : limits.stored;
    if (uncompressedSize > maxBytes) {
      this.fail(
        `expected record "${name}" to take at most ${maxBytes} bytes, got ${uncompressedSize}${compressionMethod === DEFLATED ? UNCOMPRESSED : ''}`,
      );
    }
    return this.read(name, 0, uncompressedSize);
  }

  /** The storages of the archive. */
  storages(bigEndian: boolean): StorageReader {
    return {
      bigEndian,
      sizeBytes: (key) => this.entry(`data/${key}`).uncompressedSize,
      read: (key, start, length) => this.read(`data/${key}`, start, length),
    };
  }

  /** Size of a record in bytes. */
  sizeBytes(name: string): number {
    return this.entry(name).uncompressedSize;
  }

  /** Reads the bytes `[start, start + length)` of a record. */
  readRange(name: string, start: number, length: number): Promise<Uint8Array> {
    return this.read(name, start, length);
  }

  /** Compares the CRC-32 of every record. @throws WeightsError naming the first that differs */
  async check(): Promise<void> {
    for (const name of this.entries.keys()) {
      const entry = this.entry(name);
      if (entry.compressionMethod === DEFLATED) await this.inflated(name, entry);
      else await this.checkStored(name, entry, await this.dataStart(entry));
    }
  }

  private async read(name: string, start: number, length: number): Promise<Uint8Array> {
    const entry = this.entry(name);
    if (entry.compressionMethod === DEFLATED)
      return (await this.inflated(name, entry)).slice(start, start + length);
    const dataStart = await this.dataStart(entry);
    if (start !== 0 || length !== entry.uncompressedSize) {
      await this.checkStored(name, entry, dataStart);
      return this.file.read(dataStart + start, length);
    }
    const bytes = await this.file.read(dataStart, length);
    if (!this.verified.has(entry)) this.compare(name, entry, crc32(bytes));
    return bytes;
  }

  private async dataStart(entry: Entry): Promise<number> {
    const { fileDataStart } = await this.zip
      .readLocalFileHeaderPromise(entry, { minimal: true })
      .catch((cause: unknown) => {
        throw damaged(this.file.path, cause);
      });
    return fileDataStart;
  }

  /** Compares the checksum of a record without keeping its bytes. */
  private checkStored(name: string, entry: Entry, dataStart: number): Promise<void> {
    if (this.verified.has(entry) || entry.crc32 === 0) return Promise.resolve();
    let checking = this.checking.get(entry);
    if (!checking) this.checking.set(entry, (checking = this.checkWhole(name, entry, dataStart)));
    return checking;
  }

  private async checkWhole(name: string, entry: Entry, dataStart: number): Promise<void> {
    let checksum = 0;
    for (let at = 0; at < entry.uncompressedSize; at += CHECKED_BYTES) {
      const length = Math.min(CHECKED_BYTES, entry.uncompressedSize - at);
      checksum = crc32(await this.file.read(dataStart + at, length), checksum);
    }
    this.compare(name, entry, checksum);
  }

  private compare(name: string, entry: Entry, checksum: number): void {
    if (entry.crc32 !== 0 && entry.crc32 !== checksum) {
      const [expected, got] = [entry.crc32, checksum].map((crc) =>
        crc.toString(16).padStart(8, '0'),
      );
      this.fail(
        `expected CRC-32 ${expected} of record "${printable(name)}", got ${got} (the file is damaged; fetch it again)`,
      );
    }
    this.verified.add(entry);
  }

  /** The record that was inflated last is kept: many tensors may be views of it. */
  private inflated(name: string, entry: Entry): Promise<Uint8Array> {
    if (this.last?.entry !== entry) this.last = { entry, bytes: this.inflate(name, entry) };
    return this.last.bytes;
  }

  private async inflate(name: string, entry: Entry): Promise<Uint8Array> {
    if (entry.uncompressedSize > MAX_INFLATED_BYTES) {
      this.fail(
        `expected compressed record "${name}" to hold at most ${MAX_INFLATED_BYTES} bytes, got ${entry.uncompressedSize}${UNCOMPRESSED}`,
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
    if (!this.verified.has(entry)) this.compare(name, entry, crc32(inflated));
    return inflated;
  }
}
