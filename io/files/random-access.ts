import type { FileHandle } from 'node:fs/promises';
import { WeightsFileError } from '../../core/errors.js';
import { fill, openFile, reasonOf } from './read.js';

/**
 * A file that is read by ranges, so that only the requested tensors of a 3 GB checkpoint are read. Offsets are exact up
 * to 2⁵³.
 */
export class RandomAccessFile {
  private constructor(
    readonly path: string,
    readonly sizeBytes: number,
    private readonly handle: FileHandle,
  ) {}

  /** @throws WeightsError if the file does not exist or is a folder */
  static async open(path: string): Promise<RandomAccessFile> {
    let handle: FileHandle;
    try {
      handle = await openFile(path);
    } catch (cause) {
      const reason = reasonOf(cause);
      throw WeightsFileError.in(path, `expected a readable weight file, got ${reason}`, { cause });
    }
    return new RandomAccessFile(path, (await handle.stat()).size, handle);
  }

  /**
   * Reads the bytes `[offset, offset + length)`.
   *
   * @param room memory for them; default, also if it is too small: new memory
   * @throws WeightsError if the file is shorter
   */
  async read(offset: number, length: number, room?: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    if (offset < 0 || length < 0 || offset + length > this.sizeBytes) {
      throw WeightsFileError.in(
        this.path,
        `expected ${length} bytes at ${offset}, got a file of ${this.sizeBytes} (truncated or damaged)`,
      );
    }
    const fits = room !== undefined && room.byteLength >= length;
    const bytes = fits ? room.subarray(0, length) : new Uint8Array(length);
    if ((await fill(this.handle, bytes, offset)) === length) return bytes;
    throw WeightsFileError.in(this.path, `expected ${this.sizeBytes} bytes, got fewer`);
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}
